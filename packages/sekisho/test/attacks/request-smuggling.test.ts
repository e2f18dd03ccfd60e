import {
  allow,
  arrives,
  type Attack,
  each,
  get,
  head,
  HOST,
  overTls,
  post,
  testFamily,
} from './harness.ts'

const MALFORMED = { told: 400, rule: 'invariant.http-malformed' }
const SMUGGLED = `GET /private HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`
const BOTH = ['Content-Length: 5', 'Transfer-Encoding: chunked']

const framed = (...fields: string[]): string => head('POST /public/a', `Host: ${HOST}`, ...fields)
const chunked = (body: string): string => framed('Transfer-Encoding: chunked') + body

const lengths = each(MALFORMED, {
  'Content-Length and Transfer-Encoding': `${framed(...BOTH)}0\r\n\r\n${SMUGGLED}`,
  'Transfer-Encoding and Content-Length': `${framed(...BOTH.toReversed())}0\r\n\r\n${SMUGGLED}`,
  'Transfer-Encoding and a Content-Length of 0': framed(BOTH[1] ?? '', 'Content-Length: 0'),
  'two Content-Lengths': framed('Content-Length: 3', 'Content-Length: 30'),
  'the same Content-Length twice': framed('Content-Length: 3', 'Content-Length: 3'),
  'a list of Content-Lengths': framed('Content-Length: 3, 3'),
  'a signed Content-Length': framed('Content-Length: +3'),
  'a negative Content-Length': framed('Content-Length: -1'),
  'a hexadecimal Content-Length': framed('Content-Length: 0x3'),
  'a Content-Length with a space in it': framed('Content-Length: 3 0'),
  'a Content-Length above 2^64': framed('Content-Length: 18446744073709551617'),
  'an empty Content-Length': framed('Content-Length:'),
  'Content-Length under another spelling': framed('Content_Length: 3'),
  'Transfer-Encoding under another spelling': framed('Transfer_Encoding: chunked'),
  'two Transfer-Encodings': framed('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'),
  'a space before the colon of Transfer-Encoding': framed('Transfer-Encoding : chunked'),
  'a tab before the colon of Transfer-Encoding': framed('Transfer-Encoding\t: chunked'),
  'a folded Transfer-Encoding': framed('Transfer-Encoding:\r\n chunked'),
  'a Transfer-Encoding behind a bare CR': framed('X-A: b\rTransfer-Encoding: chunked'),
  'a Transfer-Encoding behind a bare LF': framed('X-A: b\nTransfer-Encoding: chunked'),
  'chunked twice in a list': framed('Transfer-Encoding: chunked, chunked'),
  'chunked, but not last': framed('Transfer-Encoding: chunked, identity'),
})

const codings = each(
  { told: 501, rule: 'invariant.http-malformed' },
  {
    'a transfer coding before chunked': framed('Transfer-Encoding: gzip, chunked'),
  },
)

const lines = each(MALFORMED, {
  'bare line feeds': `GET /public/a HTTP/1.1\nHost: ${HOST}\n\n`,
  'a bare CR in a field': get('/public/a', 'X-A: b\rc'),
  'a bare LF in a field': get('/public/a', 'X-A: b\nX-C: d'),
  'NUL in a field': get('/public/a', 'X-A: b\0c'),
  'a field that is folded': get('/public/a', 'X-A: b\r\n c'),
  'a field that begins with a space': head('GET /public/a', ` Host: ${HOST}`),
  'a field without a colon': get('/public/a', 'X-A'),
  'a field without a name': get('/public/a', ': b'),
  'a field with a space in its name': get('/public/a', 'X A: b'),
  'a request line with a tab': `GET\t/public/a HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`,
})

const versions = each(
  { told: 505, rule: 'invariant.http-malformed' },
  {
    'a line break in the target': `GET /public/a\r\nX: HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`,
    'a request line without a version': `GET /public/a\r\nHost: ${HOST}\r\n\r\n`,
    'HTTP/1.0': `GET /public/a HTTP/1.0\r\nHost: ${HOST}\r\n\r\n`,
  },
)

/** The head is sound, so the request waits for its body, which then breaks off. */
const BROKEN = {
  told: 'reset',
  rule: 'invariant.http-malformed',
  record: ['deny invariant.http-malformed', 'deny invariant.body-incomplete'],
}
const chunks = each(BROKEN, {
  'a chunk size that is no number': chunked('x\r\nabc\r\n0\r\n\r\n'),
  'a signed chunk size': chunked('+3\r\nabc\r\n0\r\n\r\n'),
  'a chunk size with a prefix': chunked('0x3\r\nabc\r\n0\r\n\r\n'),
  'a chunk size with a space before it': chunked(' 3\r\nabc\r\n0\r\n\r\n'),
  'a chunk size above 2^64': chunked('10000000000000003\r\nabc\r\n0\r\n\r\n'),
  'a chunk that is longer than its size': chunked('3\r\nabcd\r\n0\r\n\r\n'),
  'a chunk that ends in a bare line feed': chunked('3\r\nabc\n0\r\n\r\n'),
  'a chunk size that ends in a bare line feed': chunked('3\nabc\r\n0\r\n\r\n'),
  'a chunk extension with a bare line feed': chunked('3;a\nabc\r\n0\r\n\r\n'),
  'a chunk extension with a bare CR': chunked('3;a\rb\r\nabc\r\n0\r\n\r\n'),
  'a chunk extension that does not end': chunked(`3;${'a'.repeat(40_000)}\r\nabc\r\n0\r\n\r\n`),
})

/** Allowed requests that carry a second one; only what was decided may arrive. */
const relayed: Attack[] = [
  {
    name: 'a second request behind a first that is allowed, on one connection',
    run: overTls(`GET /public/a HTTP/1.1\r\nHost: ${HOST}\r\n\r\n${get('/private')}`),
    told: '200; 403 default',
    rule: 'default',
    record: [`allow ${HOST}`, 'deny default'],
    arrived: [`GET ${HOST}/public/a`],
  },
  {
    name: 'more requests behind one another than wait for their turn',
    run: overTls(`GET /private HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`.repeat(40)),
    told: 'reset',
    rule: 'invariant.http-malformed',
    record: ['deny default', 'deny invariant.http-malformed'],
  },
  {
    name: 'an upgrade behind a request that is still being answered',
    run: overTls(
      `GET /private HTTP/1.1\r\nHost: ${HOST}\r\n\r\nGET /public/a HTTP/1.1\r\nHost: ${HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    ),
    told: 'reset',
    rule: 'invariant.http-malformed',
    record: ['deny default', 'deny invariant.http-malformed'],
  },
]

testFamily({
  rules: [allow(HOST, { paths: ['/public/**', '/'] })],
  controls: [
    arrives('a body with its length', post('/public/a', SMUGGLED)),
    arrives('a chunked body', chunked('3;a=b\r\nabc\r\n0\r\n\r\n')),
  ],
  attacks: [...lengths, ...codings, ...lines, ...versions, ...chunks, ...relayed],
})
