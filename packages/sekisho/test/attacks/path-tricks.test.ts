import { allow, arrives, each, get, HOST, testFamily } from './harness.ts'

const AMBIGUOUS = { told: 400, rule: 'invariant.ambiguous-path' }
const CLOSED = { told: 403, rule: 'closed' }
const DEFAULT = { told: 403, rule: 'default' }

const ambiguous = each(AMBIGUOUS, {
  'dot segments': get('/public/../private'),
  'a dot segment that stays': get('/public/./a'),
  'dot segments at the end': get('/public/..'),
  'dot segments, encoded': get('/public/%2e%2E/private'),
  'dot segments, half encoded': get('/public/.%2e/private'),
  'dot segments, doubly encoded': get('/public/%252e%252e/private'),
  'dot segments, encoded four times': get('/public/%2525252e%2525252e/private'),
  'dot segments in overlong UTF-8': get('/public/%c0%ae%c0%ae/private'),
  'dot segments with a path parameter': get('/public/..;a=b/private'),
  'dot segments behind an encoded slash': get('/public/..%2fprivate'),
  'dot segments behind an encoded slash, in capitals': get('/public%2F..%2Fprivate'),
  'dot segments behind a doubly encoded slash': get('/public/..%252fprivate'),
  'dot segments behind an encoded backslash': get('/public/..%5cprivate'),
  'a backslash': get('/public\\..\\private'),
  'a backslash without dots': get('/public\\private'),
  'NUL behind a suffix': get('/public/a%00.txt'),
  'an encoded line break': get('/public/a%0d%0aHost:%20evil.example.com'),
  'an encoded DEL': get('/public/a%7f'),
  'an escape that is cut short': get('/public/a%2'),
  'an escape that is none': get('/public/a%zz'),
  'an escape of IIS': get('/public/%u002e%u002e/private'),
  'a fragment': get('/public/a#/../private'),
  'a path that names a host': get('//evil.example.com/public/a'),
})

const closed = each(CLOSED, {
  'a path that a deny rule closes': get('/public/secret/a'),
  'a closed path with a letter encoded': get('/public/%73ecret/a'),
  'a closed path with a slash doubled': get('/public//secret/a'),
  'a closed path with its slash encoded': get('/public/secret%2Fa'),
  'a closed path with the slash before it encoded': get('/public%2Fsecret/a'),
  'a closed path with a path parameter': get('/public/secret;v=1/a'),
  'a closed path with a path parameter before it': get('/public;a/secret/a'),
  'a closed path with an encoded path parameter': get('/public/secret%3Bv/a'),
  'a closed path with a query': get('/public/secret/a?b=/public/c'),
})

const unlisted = each(DEFAULT, {
  'a path that no rule opens': get('/private'),
  'a path that begins like an open one': get('/publicity/a'),
  'an open path in other letters': get('/PUBLIC/a'),
  'an open path as a parameter': get('/private;/public/a'),
  'an open path in the query': get('/private?/public/a'),
  'a path that is open only with its slash encoded': get('/private%2Fpublic/a'),
})

testFamily({
  rules: [
    allow(HOST, { paths: ['/public/**', '/'] }),
    { ...allow(HOST, { paths: ['/public/secret/**'] }), id: 'closed', effect: 'deny' },
  ],
  controls: [
    arrives('an open path'),
    arrives('an open path with escapes', get('/public/a%20b/%7Ec?d=..%2f')),
  ],
  attacks: [...ambiguous, ...closed, ...unlisted],
})
