import { expect, test } from 'vitest'
import { describeLeaf } from './leaf-text.ts'

const AT = '2026-01-02T03:04:05.678Z'
const SESSION = 's-00000000000000000000'

function intent(action: Record<string, unknown>, more: Record<string, unknown> = {}): object {
  const verdict = { kind: 'allow', rules: ['r1', 'r2'] }
  return { type: 'action.intent', id: 'a1', action, verdict, credentials: [], repeated: 0, ...more }
}

const get = {
  kind: 'http.request',
  scheme: 'https',
  method: 'GET',
  host: 'api.test',
  port: 443,
  path: '/x',
  query: null,
}
const deny = { kind: 'deny', rules: ['r'], reason: 'no rule allows it' }

test.for<[name: string, leaf: object, text: string]>([
  [
    'a start',
    { type: 'session.start', agent: 'a', argv: ['make', 'test'], argvOmitted: 0 },
    'session starts: agent a, make test',
  ],
  [
    'a start with a long command',
    { type: 'session.start', agent: 'a', argv: ['make'], argvOmitted: 17 },
    'session starts: agent a, make (+17 more)',
  ],
  [
    'a start from a snapshot',
    { type: 'session.start', agent: 'a', argv: ['make'], argvOmitted: 0, snapshot: 'w-1' },
    'session starts: agent a, make, from snapshot w-1',
  ],
  [
    'a start of a restore',
    { type: 'session.start', agent: 'a', argv: ['x'], argvOmitted: 0, restores: 's-1' },
    'session starts: agent a, x, to restore s-1',
  ],
  [
    'what was kept before an action',
    { type: 'action.preimage', id: 'a1', action: get, preimage: { content: 'sha256:0', bytes: 7 } },
    'kept 7 bytes before a1, GET api.test/x',
  ],
  [
    'that nothing was there before an action',
    { type: 'action.preimage', id: 'a1', action: get, preimage: { content: null, bytes: 0 } },
    'kept that nothing was there before a1, GET api.test/x',
  ],
  [
    'content that is over its time',
    { type: 'content.removed', contents: 3, bytes: 7, reason: 'retention' },
    'removed 3 contents that were kept, 7 bytes: retention',
  ],
  [
    'a snapshot',
    { type: 'workspace.snapshot', snapshot: 'w-1', leftOut: ['.envrc', '.claude'] },
    'snapshot w-1, without .envrc .claude',
  ],
  [
    'a snapshot of nothing but work',
    { type: 'workspace.snapshot', snapshot: 'w-1', leftOut: [] },
    'snapshot w-1',
  ],
  [
    'an end',
    { type: 'session.end', reason: 'exit', exitCode: 0 },
    'session ends: exit, exit code 0',
  ],
  [
    'an end without a code',
    { type: 'session.end', reason: 'failed', exitCode: null },
    'session ends: failed, exit code -',
  ],
  [
    'a limit',
    { type: 'limit.breach', limit: 'pids', observed: 3, configured: 512, did: 'refused' },
    'limit pids reached: 3 of 512, refused',
  ],
  [
    'an exec',
    {
      type: 'process.exec',
      id: 'x1',
      path: '/usr/bin/ls',
      argv: ['ls', '-l'],
      argvOmitted: 0,
      repeated: 2,
      verdict: { kind: 'allow', rules: [] },
    },
    'x1 executes /usr/bin/ls: ls -l (+2 more)',
  ],
  [
    'a refused exec',
    {
      type: 'process.exec',
      id: 'x2',
      path: '/tmp/x',
      argv: [],
      argvOmitted: 0,
      repeated: 0,
      verdict: { kind: 'deny', rules: ['exec.written'], reason: 'written in this session' },
    },
    'x2 executes /tmp/x DENY: written in this session',
  ],
  [
    'an alert',
    { type: 'alert', severity: 'high', rule: 'exec.reverse-shell', subject: 'nc -e sh' },
    'ALERT high exec.reverse-shell: nc -e sh',
  ],
  [
    'an image',
    { type: 'image.import', name: 'node', digest: 'sha256:1', source: 'oci:/x' },
    'image node is sha256:1, from oci:/x',
  ],
  [
    'a contained session',
    {
      type: 'session.contained',
      trigger: { kind: 'syscall', what: 'mount', pid: 7 },
      evidence: { name: 'e-1' },
      quarantine: 'q-1',
    },
    'session is contained for calling mount: q-1, evidence e-1',
  ],
  [
    'a quarantine',
    { type: 'quarantine.set', id: 'q-1', agent: 'a', reason: 'it called mount' },
    'quarantine q-1 of agent a: it called mount',
  ],
  [
    'a first consent',
    {
      type: 'quarantine.release',
      id: 'q-1',
      operators: [{ name: 'aiko' }],
      reason: 'fine',
      released: false,
    },
    'quarantine q-1 may be released, says aiko: fine',
  ],
  [
    'a release',
    {
      type: 'quarantine.release',
      id: 'q-1',
      operators: [{ name: 'aiko' }, { name: 'ben' }],
      reason: 'fine',
      released: true,
    },
    'quarantine q-1 is released by aiko and ben: fine',
  ],
  [
    'a session that did not begin',
    { type: 'session.refused', agent: 'a', reason: 'agent a is in quarantine q-1' },
    'no session: agent a is in quarantine q-1',
  ],
  ['a request', intent(get), 'a1 ALLOW GET https://api.test/x: r1 r2'],
  [
    'a request with all it can have',
    intent({ ...get, port: 8443, query: 'q=1' }, { credentials: ['GH', 'NPM'] }),
    'a1 ALLOW GET https://api.test:8443/x?q=1, with GH NPM: r1 r2',
  ],
  [
    'a request in which something was found, and of which a part was not looked at',
    intent(get, {
      findings: [{ detector: 'pii.email', place: 'body', count: 2, did: 'recorded' }],
      uninspected: 'the body after 8 bytes',
    }),
    'a1 ALLOW GET https://api.test/x: r1 r2 [recorded pii.email ×2 in body] [not looked at: the body after 8 bytes]',
  ],
  [
    'a denial that stands for more',
    intent(get, { verdict: deny, repeated: 3 }),
    'a1 DENY GET https://api.test/x: no rule allows it (+3 more)',
  ],
  [
    'a connection to a name',
    intent({ kind: 'net.connect', transport: 'tcp', address: '198.18.0.1', port: 22, host: 'h' }),
    'a1 ALLOW connect tcp h:22: r1 r2',
  ],
  [
    'a packet to an address',
    intent({
      kind: 'net.connect',
      transport: 'icmp',
      address: '192.0.2.1',
      port: null,
      host: null,
    }),
    'a1 ALLOW connect icmp 192.0.2.1:-: r1 r2',
  ],
  [
    'a name',
    intent({ kind: 'dns.resolve', name: 'n.test', type: 'TXT' }),
    'a1 ALLOW resolve n.test TXT: r1 r2',
  ],
  [
    'a system call',
    intent({ kind: 'process.syscall', syscall: 'mount', args: [], pid: 7, command: 'sh' }),
    'a1 ALLOW sh[7] calls mount: r1 r2',
  ],
  [
    'a file',
    intent({ kind: 'file.open', path: '/etc/shadow', pid: 7, command: 'cat' }),
    'a1 ALLOW cat[7] opens /etc/shadow: r1 r2',
  ],
  [
    'an action of a kind to come',
    intent({ kind: 'tool.call', tool: 't' }),
    'a1 ALLOW tool.call {"tool":"t"}: r1 r2',
  ],
  [
    'a reply',
    {
      type: 'action.outcome',
      id: 'a1',
      outcome: {
        kind: 'performed',
        status: 200,
        bytesOut: 10,
        bytesIn: 20,
        address: '192.0.2.1',
        scrubbed: 0,
      },
    },
    '  a1 → 200, 10 bytes out, 20 in, at 192.0.2.1',
  ],
  [
    'a reply with echoes taken out',
    {
      type: 'action.outcome',
      id: 'a1',
      outcome: {
        kind: 'performed',
        status: null,
        bytesOut: 1,
        bytesIn: 2,
        address: null,
        scrubbed: 3,
      },
    },
    '  a1 → done, 1 bytes out, 2 in, at -, 3 echoes scrubbed',
  ],
  [
    'a refusal',
    { type: 'action.outcome', id: 'a1', outcome: { kind: 'refused', reason: 'private' } },
    '  a1 → refused: private',
  ],
  [
    'a failure',
    { type: 'action.outcome', id: 'a1', outcome: { kind: 'failed', code: 'X', message: 'why' } },
    '  a1 → failed: X why',
  ],
  ['a gap of an action', { type: 'gap', id: 'a1', reason: 'lost' }, 'gap: a1 has no outcome: lost'],
  [
    'a gap of a session',
    { type: 'gap', id: 'session.end', reason: 'killed' },
    'gap: the session has no end: killed',
  ],
])('%s is one line', ([, leaf, text]) => {
  const described = describeLeaf({ index: 42, leaf: { at: AT, session: SESSION, v: 1, ...leaf } })
  expect(described).toBe(`    42 ${AT} ${SESSION} ${text}`)
})

test('a leaf of the platform has no session', () => {
  const leaf = { at: AT, type: 'platform.start', version: '0.1.0', degraded: [] }
  expect(describeLeaf({ index: 0, leaf })).toBe(`     0 ${AT} platform starts, version 0.1.0`)
  const stop = { at: AT, type: 'platform.stop', reason: 'SIGTERM' }
  expect(describeLeaf({ index: 1, leaf: stop })).toBe(`     1 ${AT} platform stops: SIGTERM`)
})

test('nothing in a leaf can add a line or drive the terminal', () => {
  const path = '/\n   0 2026 sekisho: sound\u001b[2J'
  const text = describeLeaf({ index: 1, leaf: { at: AT, ...intent({ ...get, path }) } })
  expect(text).toContain('/\\u000a   0 2026 sekisho: sound\\u001b[2J')
  expect(text).not.toMatch(/\p{Cc}/u)
})

test.for([
  [{}],
  [{ type: 'action.intent' }],
  [{ type: 'action.outcome', outcome: 7 }],
  [{ at: null }],
])('a leaf of another shape (%j) is still one line', ([leaf]) => {
  expect(describeLeaf({ index: 1, leaf: leaf ?? {} })).toMatch(/^ {5}1 /)
})
