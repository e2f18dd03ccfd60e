import type { TestLeaf } from './test-log.ts'

export const SESSION = 's-00000000000000000000'
const DIGEST = `sha256:${'ab'.repeat(32)}`
const KEY = 'cd'.repeat(16)
const allow = { kind: 'allow', rules: ['preset.web'] }
const deny = { kind: 'deny', rules: ['default'], reason: 'no rule allows it' }
const of = { kind: 'session', session: SESSION }

const http = {
  kind: 'http.request',
  scheme: 'https',
  method: 'GET',
  host: 'api.example',
  port: 443,
  path: '/v1/x',
  query: 'a=b',
}

/** Actions of every kind, allowed and denied. */
const ACTIONS: readonly object[] = [
  http,
  { ...http, method: 'PROPFIND', query: null },
  { kind: 'ws.message', host: 'api.example', port: 443, path: '/', type: 'text', bytes: 5 },
  { kind: 'net.connect', transport: 'tcp', address: '192.0.2.1', port: 22, host: null },
  { kind: 'net.connect', transport: 'icmp', address: '192.0.2.1', port: null, host: null },
  { kind: 'dns.resolve', name: 'evil.example', type: 'A' },
  { kind: 'process.syscall', syscall: 'ptrace', args: ['0x1'], pid: 7, command: 'sh' },
  { kind: 'file.open', path: '/etc/shadow', pid: 7, command: 'cat' },
  { kind: 'secret.use', secret: 'token', host: 'evil.example', where: 'header' },
  {
    kind: 'package.install',
    ecosystem: 'npm',
    name: 'left-pad',
    version: null,
    scheme: 'https',
    host: 'registry.example',
    port: 443,
    file: '/left-pad.tgz',
  },
  {
    kind: 'llm.generate',
    provider: 'anthropic',
    model: 'claude-sonnet-5',
    api: 'messages',
    stream: true,
    serverTools: [],
    scheme: 'https',
    host: 'api.anthropic.example',
    port: 443,
    path: '/v1/messages',
  },
  {
    kind: 'llm.tool-call',
    provider: 'anthropic',
    model: 'claude-sonnet-5',
    tool: 'Bash',
    does: 'shell',
    commands: [{ program: 'ls', args: [] }],
    paths: [],
    urls: [],
    digest: DIGEST,
    callId: 'toolu_1',
  },
]

function intents(): TestLeaf[] {
  return ACTIONS.flatMap((action, i) =>
    [allow, deny].map((verdict) => ({
      type: 'action.intent',
      session: SESSION,
      id: `a${i}${verdict.kind}`,
      action,
      verdict,
      credentials: [],
      repeated: 0,
    })),
  )
}

const sessions: readonly TestLeaf[] = [
  { type: 'platform.start', version: '1', degraded: [] },
  { type: 'platform.stop', reason: 'SIGTERM' },
  {
    type: 'session.start',
    session: SESSION,
    agent: 'default',
    configuration: DIGEST,
    isolation: 'standard',
  },
  { type: 'session.state', session: SESSION, trigger: 'freeze', detail: 'x', checks: [] },
  {
    type: 'session.contained',
    session: SESSION,
    trigger: { kind: 'syscall', what: 'ptrace', pid: 7 },
  },
  { type: 'session.refused', agent: 'default', configuration: DIGEST, rule: 'r', reason: 'why' },
  {
    type: 'limit.breach',
    session: SESSION,
    limit: 'memory',
    configured: 1,
    observed: 2,
    did: 'killed',
  },
  {
    type: 'process.exec',
    session: SESSION,
    id: 'e1',
    pid: 8,
    parent: 7,
    path: '/usr/bin/curl',
    digest: DIGEST,
    argv: ['curl', 'x'],
    verdict: allow,
    action: 'session.start',
  },
  {
    type: 'alert',
    session: SESSION,
    rule: 'detect.x',
    severity: 'high',
    subject: 's',
    about: 'e1',
  },
  { type: 'gap', session: SESSION, id: 'a0allow', reason: 'lost' },
  { type: 'session.end', session: SESSION, exitCode: 0, reason: 'exit', counters: {} },
]

const decisions: readonly TestLeaf[] = [
  {
    type: 'action.outcome',
    session: SESSION,
    id: 'a0allow',
    outcome: {
      kind: 'performed',
      status: 200,
      address: '192.0.2.1',
      bytesOut: 1,
      bytesIn: 2,
      scrubbed: 0,
    },
  },
  {
    type: 'action.outcome',
    session: SESSION,
    id: 'a1allow',
    outcome: { kind: 'failed', code: 'TIMEOUT', message: 'late' },
  },
  {
    type: 'action.held',
    session: SESSION,
    id: 'h-1',
    action: http,
    digest: DIGEST,
    needs: ['operator'],
    rules: ['r'],
    reason: 'why',
  },
  {
    type: 'llm.call',
    session: SESSION,
    id: 'a0allow',
    provider: 'anthropic',
    model: 'claude-sonnet-5',
    served: 'claude-sonnet-5-20260901',
    api: 'messages',
    stream: true,
    usage: { input: 12, cacheRead: 50_000, cacheWrite: 340, output: 77 },
    rawUsage: '{}',
    counted: { input: 12, cacheRead: 50_000, cacheWrite: 340, output: 77 },
    microUsd: 16_155,
    price: '2026-11-01',
    stop: 'tool_use',
    calls: { proposed: 1, released: 1, replaced: 0 },
    request: { bytes: 52_000, digest: DIGEST, kept: true },
    reply: { bytes: 900, digest: DIGEST, kept: true },
    coverage: [],
    scores: [],
    firstByteMs: 400,
    durationMs: 812,
  },
  {
    type: 'recording.removed',
    session: SESSION,
    recordings: 2,
    bytes: 900,
    reason: 'erased',
    by: 0,
  },
  { type: 'action.preimage', session: SESSION, id: 'a0allow', action: http, preimage: {} },
  {
    type: 'approval.answer',
    session: SESSION,
    signed: { statement: { hold: 'h-1' } },
    signer: 'ops',
    result: 'approved',
    why: null,
  },
  {
    type: 'approval.answer',
    session: null,
    signed: { statement: { hold: 'h-1' } },
    signer: null,
    result: 'refused',
    why: 'x',
  },
  { type: 'approval.ended', session: SESSION, hold: 'h-1', why: 'used', detail: '' },
  {
    type: 'policy.generation',
    generation: 2,
    digest: DIGEST,
    change: 'wider',
    detail: 'd',
    signers: [],
  },
  { type: 'policy.refused', digest: null, reason: 'bad' },
  { type: 'policy.drift', approved: DIGEST, running: null, where: 'gate-0' },
  {
    type: 'quarantine.set',
    id: 'q1',
    agent: 'default',
    configuration: DIGEST,
    image: null,
    session: SESSION,
    reason: 'x',
  },
  {
    type: 'quarantine.release',
    id: 'q1',
    operators: [{ name: 'ops', key: DIGEST }],
    reason: 'x',
    released: true,
  },
  { type: 'workspace.snapshot', session: SESSION, snapshot: 'w1', digest: DIGEST, leftOut: [] },
  { type: 'image.import', name: 'img', digest: DIGEST, source: '/x' },
  { type: 'content.removed', session: SESSION, contents: 1, bytes: 2, reason: 'retention' },
]

const audit: readonly TestLeaf[] = [
  { type: 'identity.authority', trustDomain: 'example.org', reason: 'first' },
  { type: 'identity.issued', of, id: 'spiffe://example.org/x', key: KEY, reason: 'schedule' },
  { type: 'identity.revoked', of, keys: [KEY], reason: 'operator', detail: 'd', by: 0 },
  {
    type: 'identity.revoked',
    of: { kind: 'gate', gate: 1 },
    keys: [],
    reason: 'operator',
    detail: 'd',
    by: 0,
  },
  { type: 'identity.revocation-heard', of, parties: [] },
  { type: 'identity.conflict', of, kind: 'sequence', detail: 'd' },
  { type: 'log.read', reader: { uid: 0, pid: 1 }, what: 'show', query: '' },
  {
    type: 'transcript.collected',
    session: SESSION,
    client: 'claude-code',
    path: '/x',
    digest: DIGEST,
    bytes: 1,
    truncated: false,
    reason: null,
  },
  {
    type: 'budget.breaker',
    session: SESSION,
    agent: 'coder',
    chain: SESSION,
    model: 'm',
    budget: 'daily',
    per: 'agent',
    subject: 'coder',
    breaker: 'open',
    measure: 'microUsd',
    threshold: 5_000_000,
    observed: 5_100_000,
    untilMs: null,
  },
  { type: 'witness.refused', witness: 'w1', operator: 'o', reason: 'fork', size: 1, detail: 'd' },
  { type: 'platform.alert', rule: 'export.lag', severity: 'low', subject: 's' },
]

/** A leaf of every type, of every kind of action, and two that nobody knows. */
export function sampleLeaves(): readonly TestLeaf[] {
  const unknown = [{ type: 'brand.new' }, { type: 'platform.stop', v: 9, reason: 'x' }]
  return [...sessions, ...intents(), ...decisions, ...audit, ...unknown]
}
