import { expect, test } from 'vitest'
import type { Action, HttpRequestAction } from '../core/action.ts'
import type { Verdict } from '../core/verdict.ts'
import type { PolicyRule } from '../wire/policy.ts'
import { compilePolicy } from './compile.ts'

const base = { effect: 'allow', scheme: 'https', port: 443, methods: [], paths: [] } as const

function rule(id: string, host: string, rest: Partial<PolicyRule> = {}): PolicyRule {
  return { ...base, methods: [], paths: [], ...rest, id, host }
}

const rules: PolicyRule[] = [
  rule('read-github', 'api.github.com', { methods: ['GET', 'HEAD'] }),
  rule('read-repos', 'api.github.com', { methods: ['GET'], paths: ['/repos/**'] }),
  rule('comment', 'api.github.com', {
    methods: ['POST'],
    paths: ['/repos/*/*/issues/*/comments'],
  }),
  rule('no-secrets', 'api.github.com', { effect: 'deny', paths: ['/**/actions/secrets/**'] }),
  rule('files', '*.example.com', { methods: ['GET'] }),
  rule('no-internal', 'internal.example.com', { effect: 'deny' }),
  rule('models', 'model.example.net', { methods: ['GET'], paths: ['/v1/models', '/v1/models/*'] }),
  rule('plain', 'deb.example.org', { scheme: 'http', port: 80, methods: ['GET'] }),
]

function request(method: string, url: string): HttpRequestAction {
  const { protocol, hostname, port, pathname } = new URL(url)
  const scheme = protocol === 'http:' ? 'http' : 'https'
  const usual = scheme === 'https' ? 443 : 80
  const path =
    url.includes('%') || url.includes('..') ? url.replace(/^\w+:\/\/[^/]+/, '') : pathname
  return {
    kind: 'http.request',
    scheme,
    method,
    host: hostname,
    port: port === '' ? usual : Number(port),
    path,
    query: null,
  }
}

function allow(...ids: string[]): Verdict {
  return { kind: 'allow', rules: ids }
}

function refuse(id: string, reason: string): Verdict {
  return { kind: 'deny', rules: [id], reason }
}

const compiled = compilePolicy({ rules }, () => 0)

test.for<[string, string, string, Verdict]>([
  [
    'a read is allowed, and every rule that allows it is named',
    'GET',
    'https://api.github.com/repos/a/b',
    allow('read-github', 'read-repos'),
  ],
  [
    'a path that one rule names is allowed',
    'POST',
    'https://api.github.com/repos/a/b/issues/1/comments',
    allow('comment'),
  ],
  [
    'a method that no rule allows is denied, and the nearest is named',
    'POST',
    'https://api.github.com/x',
    refuse(
      'default',
      'no rule allows POST api.github.com/x; rule read-github allows GET, HEAD there',
    ),
  ],
  [
    'a deny rule wins over two allow rules',
    'GET',
    'https://api.github.com/repos/a/b/actions/secrets/KEY',
    refuse('no-secrets', 'rule no-secrets denies GET api.github.com/repos/a/b/actions/secrets/KEY'),
  ],
  [
    'an encoded slash does not get around a deny rule',
    'GET',
    'https://api.github.com/repos/a/b/actions%2Fsecrets/KEY',
    refuse(
      'no-secrets',
      'rule no-secrets denies GET api.github.com/repos/a/b/actions%2Fsecrets/KEY',
    ),
  ],
  [
    'doubled slashes do not get around a deny rule',
    'GET',
    'https://api.github.com/repos/a/b/actions//secrets/KEY',
    refuse(
      'no-secrets',
      'rule no-secrets denies GET api.github.com/repos/a/b/actions//secrets/KEY',
    ),
  ],
  [
    'a path parameter does not get around a deny rule',
    'GET',
    'https://api.github.com/repos/a/b/actions;x/secrets/KEY',
    refuse(
      'no-secrets',
      'rule no-secrets denies GET api.github.com/repos/a/b/actions;x/secrets/KEY',
    ),
  ],
  [
    'an encoded slash does not stretch a wildcard of an allow rule',
    'POST',
    'https://api.github.com/repos/a/b%2Fc/issues/1/comments',
    refuse(
      'default',
      'no rule allows POST api.github.com/repos/a/b%2Fc/issues/1/comments; rule read-github allows GET, HEAD there',
    ),
  ],
  [
    'a path that may climb is denied whatever the rules say',
    'GET',
    'https://api.github.com/repos/..%2Fadmin',
    refuse(
      'invariant.ambiguous-path',
      'a server may read GET api.github.com/repos/..%2Fadmin as a path with dot segments',
    ),
  ],
  [
    'a path that no rule names is denied, and the paths of the nearest are named',
    'GET',
    'https://model.example.net/v1/files',
    refuse(
      'default',
      'no rule allows GET model.example.net/v1/files; rule models allows GET on /v1/models, /v1/models/*',
    ),
  ],
  ['a wildcard takes a name below it', 'GET', 'https://a.b.example.com/', allow('files')],
  [
    'a wildcard does not take its own name',
    'GET',
    'https://example.com/',
    refuse('default', 'no rule names example.com; the nearest that one names is *.example.com'),
  ],
  [
    'a deny rule without methods and paths closes a host below a wildcard',
    'GET',
    'https://internal.example.com/',
    refuse('no-internal', 'rule no-internal denies GET internal.example.com/'),
  ],
  [
    'a suffix is not a subdomain',
    'GET',
    'https://evilapi.github.com/',
    refuse(
      'default',
      'no rule names evilapi.github.com; this session reaches *.example.com, api.github.com, deb.example.org and 1 more',
    ),
  ],
  [
    'a host unlike any other is denied with what can be reached',
    'GET',
    'https://canary.invalid/',
    refuse(
      'default',
      'no rule names canary.invalid; this session reaches *.example.com, api.github.com, deb.example.org and 1 more',
    ),
  ],
  ['http is allowed where a rule says http', 'GET', 'http://deb.example.org/x', allow('plain')],
  [
    'https is denied where a rule says http',
    'GET',
    'https://deb.example.org/x',
    refuse(
      'default',
      'no rule allows GET deb.example.org/x; rule plain allows GET over http at port 80',
    ),
  ],
  [
    'another port is another place',
    'GET',
    'https://api.github.com:8443/x',
    refuse(
      'default',
      'no rule allows GET https://api.github.com:8443/x; rule read-github allows GET, HEAD over https at port 443',
    ),
  ],
])('%s', ([, method, url, want]) => {
  expect(compiled.decide(request(method, url))).toEqual(want)
})

const connect = { kind: 'net.connect', transport: 'tcp', address: '198.18.0.7' } as const

test.for<[string, Action, Verdict]>([
  [
    'a name that a rule opens resolves',
    { kind: 'dns.resolve', name: 'api.github.com', type: 'A' },
    allow('comment', 'read-github', 'read-repos'),
  ],
  [
    'a name that no rule opens does not resolve',
    { kind: 'dns.resolve', name: 'c2VjcmV0.canary.invalid', type: 'TXT' },
    refuse(
      'default',
      'no rule names c2VjcmV0.canary.invalid; this session reaches *.example.com, api.github.com, deb.example.org and 1 more',
    ),
  ],
  [
    'a name that a deny rule closes does not resolve',
    { kind: 'dns.resolve', name: 'internal.example.com', type: 'AAAA' },
    refuse('no-internal', 'rule no-internal denies all of internal.example.com'),
  ],
  [
    'a name longer than a name can be does not resolve',
    { kind: 'dns.resolve', name: `${'a.'.repeat(200)}example.com`, type: 'A' },
    refuse(
      'default',
      `no rule names ${'a.'.repeat(64)}…; this session reaches *.example.com, api.github.com, deb.example.org and 1 more`,
    ),
  ],
  [
    'a connection to an opened port of a known name is allowed',
    { ...connect, port: 80, host: 'deb.example.org' },
    allow('plain'),
  ],
  [
    'a connection to another port of a known name is denied',
    { ...connect, port: 22, host: 'api.github.com' },
    refuse('default', 'no rule opens port 22 of api.github.com; open there: https on port 443'),
  ],
  [
    'a connection to a name that a deny rule closes is denied',
    { ...connect, port: 443, host: 'internal.example.com' },
    refuse('no-internal', 'rule no-internal denies port 443 of internal.example.com'),
  ],
  [
    'a connection to a literal address is denied',
    { ...connect, address: '169.254.169.254', port: 80, host: null },
    refuse(
      'invariant.literal-address',
      'tcp 169.254.169.254 port 80: only names that a rule allows are dialled',
    ),
  ],
  [
    'UDP is denied, to a known name too',
    { ...connect, transport: 'udp', port: 443, host: 'api.github.com' },
    refuse('invariant.transport', 'udp 198.18.0.7 port 443: only TCP leaves a session'),
  ],
  [
    'ICMP is denied',
    { ...connect, transport: 'icmp', port: null, host: null },
    refuse('invariant.transport', 'icmp 198.18.0.7: only TCP leaves a session'),
  ],
  [
    'a forbidden system call is denied',
    { kind: 'process.syscall', syscall: 'ptrace', args: ['0x10'], pid: 7, command: 'gdb\u001b[2J' },
    refuse('invariant.syscall', 'the profile forbids ptrace, called by gdb\\u{1b}[2J'),
  ],
  [
    'an opened tripwire is denied',
    { kind: 'file.open', path: '/home/agent/.aws/credentials', pid: 7, command: 'cat' },
    refuse('invariant.tripwire', 'cat opened the tripwire /home/agent/.aws/credentials'),
  ],
  [
    'a placeholder outside its host is denied',
    { kind: 'secret.use', secret: 'anthropic', host: 'deb.example.org', where: 'header x-api-key' },
    refuse(
      'invariant.placeholder-misuse',
      'the placeholder of secret anthropic was sent in header x-api-key to deb.example.org, where it is not bound',
    ),
  ],
])('%s', ([, action, want]) => {
  expect(compiled.decide(action)).toEqual(want)
})

test('a policy without rules reaches nothing and says so', () => {
  const none = compilePolicy({ rules: [] }, () => 0)
  expect(none.decide(request('GET', 'https://api.github.com/'))).toEqual(
    refuse('default', 'no rule names api.github.com; this session has no network'),
  )
  expect(none.mayReach('api.github.com')).toBe(false)
  expect(none.isPort('api.github.com', 443)).toBeUndefined()
})

test('a host is reachable and its ports are known by what rules open and do not close', () => {
  const hosts = [
    'api.github.com',
    'a.example.com',
    'internal.example.com',
    'deb.example.org',
    'x.y',
  ]
  expect(hosts.map((host) => [host, compiled.mayReach(host)])).toEqual([
    ['api.github.com', true],
    ['a.example.com', true],
    ['internal.example.com', false],
    ['deb.example.org', true],
    ['x.y', false],
  ])
  expect(hosts.map((host) => [compiled.isPort(host, 443), compiled.isPort(host, 80)])).toEqual([
    ['https', undefined],
    ['https', undefined],
    [undefined, undefined],
    [undefined, 'http'],
    [undefined, undefined],
  ])
})
