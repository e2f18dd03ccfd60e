import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as after } from 'node:timers/promises'
import { keyholderToSupervisor, supervisorToKeyholder } from '../../wire/keyholder.ts'
import { Peer } from '../../wire/peer.ts'
import { ipcTransport } from '../../wire/transport.ts'
import { intent, outcome, startLeaf } from './leaves.ts'
import { TestGate } from './test-gate.ts'

const CHILD = new URL('./crash-keyholder.ts', import.meta.url)
const CALLERS = 64
const SESSIONS = 8
/** Of so many lives one ends while the keyholder is still starting. */
const EARLY_DEATHS = 8

/** What was promised to somebody while keyholders lived and died. */
export type Promised = {
  /** leaves that were acknowledged: their index, and what they were */
  leaves: Map<number, string>
  /** what left: ids of actions that were let go, each after its intent was acknowledged */
  effects: Set<string>
}

export function whatLeaf(type: unknown, id: unknown): string {
  return `${String(type)} ${String(id)}`
}

/**
 * Loads the program; {@link liveAndDie} wakes it.
 *
 * @param cacheDir of compiled programs: with it loading takes a fifth
 */
export function loadKeyholder(cacheDir: string): ChildProcess {
  const env = { ...process.env, NODE_COMPILE_CACHE: cacheDir }
  return fork(CHILD, [], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], env })
}

/** Fills the cache: a program writes to it when it ends, which those that are killed never do. */
export async function warm(cacheDir: string): Promise<void> {
  const child = loadKeyholder(cacheDir)
  const exited = once(child, 'exit')
  await loaded(child)
  child.disconnect()
  await exited
}

/**
 * One life of a keyholder, with 64 callers whose actions go through a gate's socket, until it is
 * killed (SIGKILL) at a random point.
 */
export async function liveAndDie(
  child: ChildProcess,
  stateDir: string,
  promised: Promised,
): Promise<void> {
  if (!child.connected) throw new Error('the keyholder did not start')
  const exited = once(child, 'exit')
  await loaded(child)
  child.send(stateDir)
  if (randomInt(EARLY_DEATHS) === 0) {
    await after(randomInt(60))
    child.kill('SIGKILL')
  } else await work(child, stateDir, promised)
  const [, signal] = await exited
  if (signal !== 'SIGKILL') throw new Error('the keyholder ended by itself')
  if (child.connected) await once(child, 'disconnect') // what it said before is still in the channel
}

const isLoaded = new WeakSet<ChildProcess>()

async function loaded(child: ChildProcess): Promise<void> {
  if (!isLoaded.has(child)) await once(child, 'message')
  isLoaded.add(child)
}

/** @throws Error when it ends instead, as it does when it refuses its log */
async function ready(child: ChildProcess): Promise<void> {
  const ended = new AbortController()
  const end = (): void => ended.abort(new Error('the keyholder did not start'))
  child.once('exit', end)
  await once(child, 'message', { signal: ended.signal })
  child.off('exit', end)
}

async function work(child: ChildProcess, stateDir: string, promised: Promised): Promise<void> {
  await ready(child)
  const supervisor = new Peer('keyholder', ipcTransport(child), {
    out: supervisorToKeyholder,
    in: keyholderToSupervisor,
    handlers: { 'identity.conflict': () => ({}), 'canary.hit': () => ({}) },
  })
  const leaf = { type: 'platform.start' as const, version: '1', degraded: [] }
  await supervisor.call('record', { leaf })
  const sessions = Array.from({ length: SESSIONS }, () => `s-${randomBytes(10).toString('hex')}`)
  for (const session of sessions) {
    const opening = { session, secrets: [], leaf: startLeaf(session), printKey: null, gate: 0 }
    const { index } = await supervisor.call('session.open', opening)
    if (index !== null) promised.leaves.set(index, whatLeaf('session.start', undefined))
  }
  const gate = await TestGate.attach(supervisor, stateDir)
  let left = randomInt(1, 600)
  const acknowledge = (index: number, what: string): void => {
    promised.leaves.set(index, what)
    left -= 1
    // not at once: between two answers there are canonical forms, hashes, signatures and a write
    if (left === 0) setTimeout(() => child.kill('SIGKILL'), Math.random() * 6)
  }
  const callers = Array.from({ length: CALLERS }, async (_, caller) => {
    const session = sessions[caller % SESSIONS] ?? ''
    for (let turn = 0; ; turn += 1) {
      const id = `${session.slice(-6)}-${caller}-${turn}`
      const intended = await gate.record({ ...intent(id), session })
      acknowledge(intended.index, whatLeaf('action.intent', id))
      promised.effects.add(id)
      const done = await gate.record({ ...outcome(id), session })
      acknowledge(done.index, whatLeaf('action.outcome', id))
    }
  })
  await Promise.allSettled(callers) // each ends when the keyholder does
  gate.peer.close()
}
