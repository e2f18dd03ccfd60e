import fc from 'fast-check'
import { expect, test } from 'vitest'
import { matchesHost } from '../core/host.ts'
import { overlaps, readHost, readHostPattern } from './host-pattern.ts'

test.for(['api.github.com', 'gitlab', 'xn--bcher-kva.example', '3.example', 'a-b.c-d.example'])(
  '%s is a host',
  (text) => {
    expect(readHost(text)).toEqual({ value: text })
  },
)

test.for(['*.github.com', '*.a.b.c.example'])('%s is a host pattern', (text) => {
  expect(readHostPattern(text)).toEqual({ value: text })
})

const notAHost = (text: string): string => `\`${text}\` is not a host name`
const isAddress = (text: string): string =>
  `\`${text}\` is an address; a session reaches names only`
const shared = 'name the hosts, or a wildcard below a name that you trust'
const named = 'give it a name, and its address under `upstreams`'
const pattern = 'write api.example.com, or *.example.com for every name below it'

test.for([
  ['API.github.com', notAHost('API.github.com'), 'did you mean `api.github.com`?'],
  ['api.github.com.', notAHost('api.github.com.'), 'did you mean `api.github.com`?'],
  [
    'https://api.github.com/x',
    notAHost('https://api.github.com/x'),
    'did you mean `api.github.com`?',
  ],
  ['api.github.com:443', notAHost('api.github.com:443'), 'did you mean `api.github.com`?'],
  ['bücher.example', notAHost('b\\u{fc}cher.example'), 'write the name in its ASCII form (xn--…)'],
  ['a_b.example', notAHost('a_b.example'), 'write api.example.com'],
  ['-a.example', notAHost('-a.example'), 'write api.example.com'],
  ['', notAHost(''), 'write api.example.com'],
  ['10.0.0.1', isAddress('10.0.0.1'), named],
  ['0x7f000001', isAddress('0x7f000001'), named],
  ['2130706433', isAddress('2130706433'), named],
  ['[::1]', isAddress('[::1]'), named],
  ['fe80::1', isAddress('fe80::1'), named],
  [
    'localhost',
    '`localhost` is the sandbox itself (RFC 6761 §6.3)',
    'give the service a name, and its address under `upstreams`',
  ],
  ['*', '`*` is not a host pattern', pattern],
  ['a.*.example', '`a.*.example` is not a host pattern', pattern],
  ['*.*.example', '`*.*.example` is not a host pattern', pattern],
  ['*github.com', '`*github.com` is not a host pattern', pattern],
  ['*.com', '`*.com` spans names that anyone can register', shared],
  ['*.co.uk', '`*.co.uk` spans names that anyone can register', shared],
  ['*.github.io', '`*.github.io` spans names that anyone can register', shared],
] as const)('refuses the host pattern %s', ([text, problem, hint]) => {
  expect(readHostPattern(text)).toEqual({ problem, hint })
})

test('where one host is wanted, a wildcard is refused', () => {
  expect(readHost('*.github.com')).toEqual({
    problem: 'want one host name, not `*.github.com`',
    hint: 'name each host',
  })
})

test('two patterns overlap when a host matches both', () => {
  const host = fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 4 })
  const hosts = host.map((labels) => labels.join('.'))
  const patterns = fc.oneof(
    hosts,
    hosts.map((name) => `*.${name}`),
  )
  fc.assert(
    fc.property(patterns, patterns, hosts, (a, b, name) => {
      expect(overlaps(a, b)).toBe(overlaps(b, a))
      if (matchesHost(a, name) && matchesHost(b, name)) expect(overlaps(a, b)).toBe(true)
    }),
  )
})

test('a name and a wildcard above another name do not overlap', () => {
  expect(overlaps('*.a.example', 'a.example')).toBe(false)
  expect(overlaps('*.a.example', '*.b.example')).toBe(false)
})
