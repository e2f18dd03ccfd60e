import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { Keys } from '../../packages/sekisho/src/keyholder/keys.ts'
import { loadKeyholder } from '../../packages/sekisho/src/keyholder/testing/crash-life.ts'
import { startLeaf } from '../../packages/sekisho/src/keyholder/testing/leaves.ts'
import { openKeyholder } from '../../packages/sekisho/src/keyholder/testing/open-keyholder.ts'
import { TestGate } from '../../packages/sekisho/src/keyholder/testing/test-gate.ts'
import {
  keyholderToSupervisor,
  supervisorToKeyholder,
} from '../../packages/sekisho/src/wire/keyholder.ts'
import type { LeafInput } from '../../packages/sekisho/src/wire/leaves.ts'
import { Peer } from '../../packages/sekisho/src/wire/peer.ts'
import { ipcTransport } from '../../packages/sekisho/src/wire/transport.ts'
import { type NoteSigner, readLeaves } from '../../packages/verify/src/index.ts'
import type { Appender } from './appenders.ts'
import { intentLeaf } from './leaves.ts'

const SESSIONS = 64

function newSession(): string {
  return `s-${randomBytes(10).toString('hex')}`
}

function endLeaf(session: string): LeafInput {
  return { type: 'session.end', session, exitCode: 0, reason: 'exit', counters: {} }
}

type Opening = Parameters<Awaited<ReturnType<typeof openKeyholder>>['open']>[1]

function opening(session: string): Opening & { session: string; secrets: []; leaf: LeafInput } {
  return { session, secrets: [], leaf: startLeaf(session), printKey: null, gate: 0 }
}

/** The whole way: a gate's peer, a socket, a keyholder in a process of its own, its log. */
export async function throughSocket(stateDir: string): Promise<Appender> {
  const child = loadKeyholder(join(stateDir, 'compiled'))
  await once(child, 'message')
  child.send(stateDir)
  await once(child, 'message')
  const supervisor = new Peer('keyholder', ipcTransport(child), {
    out: supervisorToKeyholder,
    in: keyholderToSupervisor,
    handlers: { 'identity.conflict': () => ({}), 'canary.hit': () => ({}) },
  })
  const sessions = Array.from({ length: SESSIONS }, newSession)
  for (const session of sessions) await supervisor.call('session.open', opening(session))
  const gate = await TestGate.attach(supervisor, stateDir)
  return {
    append: (caller, turn) =>
      gate.record(intentLeaf(sessions[caller % SESSIONS] ?? '', `${caller}-${turn}`)),
    close: async () => {
      gate.peer.close()
      await supervisor.call('stop', {})
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** A log as a keyholder writes it, with identities: so many leaves of sessions that ended. */
export async function writeLog(
  stateDir: string,
  leaves: number,
): Promise<{ dir: string; signer: NoteSigner; root: string }> {
  const keys = new Keys(randomBytes(32))
  const keyholder = await openKeyholder({ stateDir, keys })
  await keyholder.identities.recordAuthority()
  const sessions = Array.from({ length: SESSIONS }, newSession)
  for (const session of sessions) await keyholder.open(session, opening(session))
  const each = Math.floor(leaves / SESSIONS)
  await Promise.all(
    sessions.map(async (session) => {
      for (let turn = 0; turn < each; turn += 1) {
        await keyholder.recordIntent(intentLeaf(session, `a-${turn}`), [])
      }
      await keyholder.close(session, endLeaf(session))
    }),
  )
  await keyholder.shut()
  const dir = join(stateDir, 'log')
  return { dir, signer: keys.logSigner(), root: await rootOf(dir) }
}

/** In PEM, as a platform's operator has it. */
async function rootOf(dir: string): Promise<string> {
  for await (const { leaf } of readLeaves(dir, { types: ['identity.authority'] })) {
    return `-----BEGIN CERTIFICATE-----\n${String(leaf['root'])}\n-----END CERTIFICATE-----\n`
  }
  throw new Error('the log has no authority')
}
