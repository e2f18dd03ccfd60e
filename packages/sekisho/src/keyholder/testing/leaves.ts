import type { LlmCallLeaf } from '../../wire/llm.ts'
import type { LeafInput } from '../../wire/leaves.ts'

export const SESSION = 's-00000000000000000000'
export const OTHER = 's-11111111111111111111'

export type Intent = Extract<LeafInput, { type: 'action.intent' }>
export type Outcome = Extract<LeafInput, { type: 'action.outcome' }>

export function startLeaf(session: string): LeafInput {
  return {
    type: 'session.start',
    session,
    agent: 'a',
    configuration: `sha256:${'0'.repeat(64)}`,
    argv: ['true'],
    argvOmitted: 0,
    argvDigest: null,
    workspace: null,
    snapshot: null,
    runtime: 'crun',
    isolation: 'standard',
    rootfs: { kind: 'host' },
    attestation: [],
    initiator: { uid: 0, pid: 1 },
    limits: {
      memoryBytes: 2 ** 30,
      pids: 100,
      cpuMillis: 1000,
      openFiles: 1024,
      wallClockMs: 1000,
      tmpBytes: 2 ** 20,
      tmpInodes: 10_000,
      diskBytes: 64 * 2 ** 20,
      diskInodes: 10_000,
      egressBytes: 2 ** 30,
      egressRequests: 100_000,
    },
    degraded: [],
  }
}

export const endLeaf: LeafInput = {
  type: 'session.end',
  session: SESSION,
  exitCode: 0,
  reason: 'exit',
  counters: { connections: 3 },
}

export function intent(
  id: string,
  credentials: readonly string[] = [],
  host = 'api.github.com',
): Intent {
  return {
    type: 'action.intent',
    session: SESSION,
    id,
    action: {
      kind: 'http.request',
      scheme: 'https',
      method: 'GET',
      host,
      port: 443,
      path: '/',
      query: null,
    },
    verdict: { kind: 'allow', rules: ['r'] },
    credentials: [...credentials],
    repeated: 0,
  }
}

export function outcome(id: string): Outcome {
  return {
    type: 'action.outcome',
    session: SESSION,
    id,
    outcome: { kind: 'failed', code: 'X', message: 'x' },
  }
}

const NOT_KEPT = { bytes: 0, digest: `sha256:${'0'.repeat(64)}`, kept: false }

export function modelIntent(id: string): Intent {
  return {
    ...intent(id),
    action: {
      kind: 'llm.generate',
      provider: 'anthropic',
      model: 'claude-sonnet-5',
      api: 'messages',
      stream: true,
      serverTools: [],
      scheme: 'https',
      host: 'api.anthropic.com',
      port: 443,
      path: '/v1/messages',
    },
  }
}

export function modelCall(id: string, more: Partial<LlmCallLeaf> = {}): LlmCallLeaf {
  const tokens = { input: 12, cacheRead: 50_000, cacheWrite: 340, output: 77 }
  return {
    type: 'llm.call',
    session: SESSION,
    id,
    provider: 'anthropic',
    model: 'claude-sonnet-5',
    served: 'claude-sonnet-5',
    api: 'messages',
    stream: true,
    usage: tokens,
    rawUsage: '{}',
    counted: tokens,
    microUsd: 16_155,
    price: '2026-11-01',
    stop: 'end_turn',
    calls: { proposed: 0, released: 0, replaced: 0 },
    request: NOT_KEPT,
    reply: NOT_KEPT,
    coverage: [],
    scores: [],
    firstByteMs: 400,
    durationMs: 812,
    ...more,
  }
}
