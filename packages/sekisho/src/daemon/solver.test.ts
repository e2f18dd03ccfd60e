import { afterEach, beforeEach, expect, test } from 'vitest'
import { SekishoError } from '../core/error.ts'
import { transportPair } from '../gate/testing/rig.ts'
import { Peer } from '../wire/peer.ts'
import { type SettleResult, supervisorToSolver } from '../wire/solver.ts'
import { Solver, type SolverProcess } from './solver.ts'

const HOLDS: SettleResult = { kind: 'holds' }
const problem = { variables: {}, given: [], constraints: [] }

let launched: FakeSolver[] = []
let solver: Solver
beforeEach(() => {
  launched = []
  solver = make({})
})
afterEach(() => solver.stop())

test('there is no process before somebody asks, and then one for all', async () => {
  expect([launched.length, solver.pid]).toEqual([0, undefined])
  expect(await Promise.all([settle(), settle()])).toEqual([HOLDS, HOLDS])
  expect(await settle()).toEqual(HOLDS)
  expect([launched.length, solver.pid]).toEqual([1, 4711])
})

test('it goes when nobody has asked for a while, and comes again', async () => {
  solver = make({ idleMs: 5 })
  await settle()
  await expect.poll(() => launched[0]?.isStopped).toBe(true)
  expect(solver.pid).toBeUndefined()
  expect(await settle()).toEqual(HOLDS)
  expect(launched).toHaveLength(2)
})

test('it does not go while an answer is waited for', async () => {
  solver = make({ idleMs: 5, answersAfterMs: 60 })
  expect(await settle()).toEqual(HOLDS)
})

test('one that dies answers nobody, and the next question gets another', async () => {
  solver = make({ dies: true })
  await expect(settle()).rejects.toMatchObject({ code: 'PEER_UNAVAILABLE' })
  expect(launched[0]?.isStopped).toBe(true)
  await expect(settle()).rejects.toMatchObject({ code: 'PEER_UNAVAILABLE' })
  expect(launched).toHaveLength(2)
})

test('one that has died since it was last asked is replaced before anybody misses it', async () => {
  await settle()
  launched[0]?.peer.close()
  expect(await settle()).toEqual(HOLDS)
  expect([launched.length, launched[0]?.isStopped]).toEqual([2, true])
})

test('one that does not come up proves nothing', async () => {
  solver = make({ failsToStart: true })
  await expect(settle()).rejects.toThrow('z3 cannot be started')
  await expect(settle()).rejects.toThrow('z3 cannot be started')
  expect(launched).toHaveLength(2)
})

test('one that says that it is late is not ended for it', async () => {
  solver = make({ says: new SekishoError('TIMEOUT', 'other jobs took the solver’s time') })
  await expect(settle()).rejects.toMatchObject({ code: 'TIMEOUT' })
  expect([launched.length, launched[0]?.isStopped]).toEqual([1, false])
})

test('one that does not answer in its time is ended', async () => {
  solver = make({ answersAfterMs: 10_000 })
  const asked = solver.ask(-2_990, (peer, { timeoutMs }) =>
    peer.call('settle', { problem, timeoutMs: 1 }, { timeoutMs }),
  )
  await expect(asked).rejects.toMatchObject({ code: 'TIMEOUT' })
  expect(launched[0]?.isStopped).toBe(true)
})

function settle(): Promise<SettleResult> {
  return solver.ask(60_000, (peer, { limitMs, timeoutMs }) =>
    peer.call('settle', { problem, timeoutMs: limitMs }, { timeoutMs }),
  )
}

type Behaviour = {
  idleMs?: number
  answersAfterMs?: number
  dies?: boolean
  failsToStart?: boolean
  says?: SekishoError
}

function make({ idleMs = 60_000, ...behaviour }: Behaviour): Solver {
  const launch = (): FakeSolver => {
    const fake = new FakeSolver(behaviour)
    launched.push(fake)
    return fake
  }
  return new Solver({ warn: () => undefined, launch, idleMs })
}

class FakeSolver implements SolverProcess {
  readonly pid = 4711
  readonly peer: SolverProcess['peer']
  readonly #behaviour: Behaviour
  isStopped = false

  constructor(behaviour: Behaviour) {
    this.#behaviour = behaviour
    const [own, other] = transportPair()
    const { settle: shape } = supervisorToSolver
    const inside = new Peer('supervisor', own, {
      out: {},
      in: { settle: shape },
      handlers: {
        settle: async () => {
          if (behaviour.dies === true) inside.close()
          if (behaviour.says !== undefined) throw behaviour.says
          const { promise, resolve } = Promise.withResolvers<SettleResult>()
          setTimeout(() => resolve(HOLDS), behaviour.answersAfterMs ?? 0).unref()
          return promise
        },
      },
    })
    this.peer = new Peer('solver', other, { out: supervisorToSolver, in: {}, handlers: {} })
  }

  get isUp(): boolean {
    return !this.isStopped && !this.peer.closed && this.#behaviour.failsToStart !== true
  }

  async start(): Promise<void> {
    if (this.#behaviour.failsToStart !== true) return
    throw new SekishoError('DEPENDENCY_MISSING', 'z3 cannot be started')
  }

  async stop(): Promise<void> {
    this.isStopped = true
  }
}
