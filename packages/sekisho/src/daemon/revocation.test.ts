import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SekishoError } from '../core/error.ts'
import { supervisorToControl } from '../wire/control.ts'
import type { Revocation as Asked } from '../wire/keyholder.ts'
import { supervisorToKeyholder } from '../wire/keyholder.ts'
import type { LeafInput } from '../wire/leaves.ts'
import { type Handlers, Peer, type Protocol, type Transport } from '../wire/peer.ts'
import type { Attempt } from './containment.ts'
import { Revocation } from './revocation.ts'

const SESSION = 's-00000000000000000001'
const of = { kind: 'session', session: SESSION } as const
const asked: Asked = { of, reason: 'operator', detail: 'lost', by: 1000 }

class Bench {
  readonly directory = mkdtempSync(join(tmpdir(), 'sekisho-revocation-'))
  readonly did: string[] = []
  readonly leaves: LeafInput[] = []
  readonly attempts: Attempt[] = []
  readonly warned: string[] = []
  readonly revoked: Asked[] = []
  contains = true
  controlIsUp = true
  knows = true
  readonly revocation = new Revocation({
    keyholder: () => this.#keyholder,
    control: () => {
      if (!this.controlIsUp) throw new SekishoError('PEER_UNAVAILABLE', 'control is down')
      return this.#control
    },
    containment: {
      attempted: (_session, attempt) => {
        this.attempts.push(attempt)
        return this.contains
      },
    },
    record: async (leaf) => void this.leaves.push(leaf),
    killGate: (gate) => void this.did.push(`kill gate ${gate}`),
    stop: (session) => void this.did.push(`stop ${session}`),
    listFile: join(this.directory, 'crl.pem'),
    warn: (line) => void this.warned.push(line),
  })
  readonly #keyholder = answering(
    {
      'identity.revoke': supervisorToKeyholder['identity.revoke'],
      'identity.crl': supervisorToKeyholder['identity.crl'],
    },
    {
      'identity.revoke': (revocation) => {
        if (!this.knows) throw new SekishoError('SESSION_UNKNOWN', 'it has ended')
        this.revoked.push(revocation)
        return { keys: ['0'.repeat(32)], heard: [{ name: 'gate-0', afterMs: 1 }] }
      },
      'identity.crl': () => ({ pem: 'a list\n' }),
    },
  )
  readonly #control = answering(
    { 'session.revoked': supervisorToControl['session.revoked'] },
    {
      'session.revoked': ({ session }) => {
        this.did.push(`control forgets ${session}`)
        return {}
      },
    },
  )
}

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => rmSync(bench.directory, { recursive: true }))

test('all who rely on it are told, it is recorded who has heard, and the session ends', async () => {
  const { heard } = await bench.revocation.revoke(asked)
  const parties = [
    { name: 'gate-0', afterMs: 1 },
    { name: 'control', afterMs: expect.any(Number) },
  ]
  expect(heard).toEqual(parties)
  expect(bench.leaves).toEqual([{ type: 'identity.revocation-heard', of, parties }])
  expect(bench.did).toEqual([`control forgets ${SESSION}`, `stop ${SESSION}`])
  expect(readFileSync(join(bench.directory, 'crl.pem'), 'utf8')).toBe('a list\n')
  expect(readdirSync(bench.directory)).toEqual(['crl.pem'])
})

test('a party that is down is recorded as one that has not heard', async () => {
  bench.controlIsUp = false
  const { heard } = await bench.revocation.revoke(asked)
  expect(heard).toContainEqual({ name: 'control', afterMs: null })
  expect(bench.did).toEqual([`stop ${SESSION}`])
  expect(bench.warned).toHaveLength(1)
})

test('a gate in conflict is ended and its session contained at once', () => {
  bench.revocation.conflict({ of, kind: 'sequence', detail: 'twice', by: 3 })
  expect(bench.did).toEqual(['kill gate 3'])
  expect(bench.attempts).toMatchObject([{ kind: 'identity', what: 'sequence: twice' }])
})

test('a session that is contained loses its identity for the reason that it was contained', async () => {
  for (const kind of ['syscall', 'tripwire', 'identity', 'canary'] as const) {
    const seen = { kind, what: kind, names: [], pid: 1, command: '', args: [], atMs: 0 }
    bench.revocation.contained(SESSION, seen)
  }
  await expect.poll(() => bench.leaves.length).toBe(4)
  expect(bench.revoked.map(({ reason }) => reason)).toEqual([
    'contained',
    'contained',
    'conflict',
    'canary',
  ])
  expect(bench.did).not.toContain(`stop ${SESSION}`)
})

test('a session in conflict that nothing contains is stopped, and revoked all the same', async () => {
  bench.contains = false
  bench.revocation.conflict({ of, kind: 'second-open', detail: 'again', by: null })
  await expect.poll(() => bench.leaves.length).toBe(1)
  expect(bench.did).toContain(`stop ${SESSION}`)
  expect(bench.revoked).toMatchObject([{ reason: 'conflict', by: null }])
})

test('of a session that has ended there is nothing left to revoke', async () => {
  bench.knows = false
  bench.contains = false
  bench.revocation.conflict({ of, kind: 'second-open', detail: 'again', by: null })
  await expect.poll(() => bench.did).toContain(`stop ${SESSION}`)
  await expect(bench.revocation.revoke(asked)).rejects.toMatchObject({ code: 'SESSION_UNKNOWN' })
  expect(bench.warned).toEqual([])
})

test('a canary is containment’s to judge', () => {
  bench.revocation.canary(SESSION, 'canary.key on its way to a.test')
  expect(bench.attempts).toMatchObject([{ kind: 'canary', names: ['canary'] }])
})

/** A peer in this process that answers so. */
function answering<P extends Protocol>(protocol: P, handlers: Handlers<P>): Peer<P> {
  const [ours, theirs] = [new Half(), new Half()]
  ours.other = theirs
  theirs.other = ours
  new Peer('supervisor', theirs, { out: {}, in: protocol, handlers })
  return new Peer('fake', ours, { out: protocol, in: {}, handlers: {} })
}

class Half implements Transport {
  other: Half | undefined
  #receive: (message: unknown, handle: unknown) => void = () => undefined
  send(message: unknown): void {
    queueMicrotask(() => this.other?.take(message))
  }
  take(message: unknown): void {
    this.#receive(message, undefined)
  }
  onMessage(receive: (message: unknown, handle: unknown) => void): void {
    this.#receive = receive
  }
  onClose(): void {
    // it never does
  }
  close(): void {
    this.other = undefined
  }
}
