import { randomBytes } from 'node:crypto'
import { renameSync, writeFileSync } from 'node:fs'
import type * as z from 'zod'
import { toSekishoError } from '../core/error.ts'
import type { SessionEnd } from '../wire/control.ts'
import type { IdentityOf } from '../wire/identity.ts'
import type {
  Heard,
  keyholderToSupervisor,
  Revocation as Asked,
  RevocationResult,
} from '../wire/keyholder.ts'
import type { LeafInput } from '../wire/leaves.ts'
import type { ControlPeer, KeyholderPeer } from './child-kinds.ts'
import type { Attempt, Containment } from './containment.ts'

type Conflict = z.infer<(typeof keyholderToSupervisor)['identity.conflict']['params']>

/** Who has not heard by then is recorded as not having heard. */
const HEARD_TIMEOUT_MS = 5000
/** The keyholder waits as long for the gates, and writes two leaves. */
const REVOKE_TIMEOUT_MS = 10_000

/** What is made after it. */
export type RevocationOthers = {
  /** @throws SekishoError PEER_UNAVAILABLE */
  control: () => Pick<ControlPeer, 'call'>
  /** ends a session, if it runs */
  stop: (session: string, text: Pick<SessionEnd, 'message' | 'hint'>) => void
}

export type RevocationParts = RevocationOthers & {
  /** @throws SekishoError PEER_UNAVAILABLE */
  keyholder: () => Pick<KeyholderPeer, 'call'>
  containment: Pick<Containment, 'attempted'>
  record: (leaf: LeafInput) => Promise<unknown>
  /** ends the process, which is started anew and makes itself another key */
  killGate: (gate: number) => void
  /** where the revocation lists are written */
  listFile: string
  warn: (line: string) => void
}

const REASONS = {
  syscall: 'contained',
  tripwire: 'contained',
  identity: 'conflict',
  canary: 'canary',
} as const satisfies Record<Attempt['kind'], Asked['reason']>

/**
 * Takes identities back: the keyholder refuses the key, each gate and control drop what they have
 * of the session, and the log says when each had heard. A session in conflict is contained.
 */
export class Revocation {
  readonly #parts: RevocationParts

  constructor(parts: RevocationParts) {
    this.#parts = parts
  }

  /**
   * Resolves when all have heard, or have had their time, and that is in the log.
   *
   * @throws SekishoError SESSION_UNKNOWN, PEER_UNAVAILABLE, LOG_UNWRITABLE
   */
  async revoke(asked: Asked): Promise<RevocationResult> {
    const { of, detail, reason } = asked
    const atKeyholder = this.#parts
      .keyholder()
      .call('identity.revoke', asked, { timeoutMs: REVOKE_TIMEOUT_MS })
    const [{ keys, heard }, control] = await Promise.all([atKeyholder, this.#tellControl(of)])
    const parties = [...heard, ...control]
    if (of.kind === 'gate') this.#parts.killGate(of.gate)
    else if (reason === 'operator') {
      this.#parts.stop(of.session, {
        message: `its identity was revoked: ${detail}`,
        hint: 'start it anew once the reason is dealt with',
      })
    }
    if (keys.length > 0) {
      await this.#parts.record({ type: 'identity.revocation-heard', of, parties })
      await this.writeLists()
    }
    return { keys, heard: parties }
  }

  /** The keyholder has refused and recorded it. Never throws. */
  conflict({ of, kind, detail, by }: Conflict): void {
    const atMs = performance.now()
    if (by !== null) this.#parts.killGate(by)
    if (of.kind === 'gate') return
    const what = `${kind}: ${detail}`
    const seen = {
      kind: 'identity',
      what,
      names: [kind],
      pid: 0,
      command: '',
      args: [],
      atMs,
    } as const
    if (this.#parts.containment.attempted(of.session, seen)) return
    // nothing of it runs in a sandbox: one that has ended, that begins, or that restores
    this.#parts.stop(of.session, { message: what, hint: null })
    this.#revokeAside({ of, reason: 'conflict', detail: what.slice(0, 4096), by: null })
  }

  /** A session has carried a canary away; refused already. Never throws. */
  canary(session: string, what: string): void {
    const atMs = performance.now()
    const seen = {
      kind: 'canary',
      what,
      names: ['canary'],
      pid: 0,
      command: '',
      args: [],
      atMs,
    } as const
    this.#parts.containment.attempted(session, seen)
  }

  /** Whatever it was contained for, it speaks for itself no more. Never throws. */
  contained(session: string, { kind, what }: Attempt): void {
    const of = { kind: 'session', session } as const
    const detail = what.slice(0, 4096)
    this.#revokeAside({ of, reason: REASONS[kind], detail, by: null })
  }

  /** The lists as they are now; a file that is there is whole. */
  async writeLists(): Promise<void> {
    const { listFile, keyholder, warn } = this.#parts
    try {
      const { pem } = await keyholder().call('identity.crl', {})
      const aside = `${listFile}.${randomBytes(4).toString('hex')}`
      writeFileSync(aside, pem, { mode: 0o644, flag: 'wx' })
      renameSync(aside, listFile)
    } catch (error) {
      warn(`${listFile} is not written: ${String(error)}`)
    }
  }

  #revokeAside(asked: Asked): void {
    this.revoke(asked).catch((thrown: unknown) => {
      const error = toSekishoError(thrown)
      if (error.code === 'SESSION_UNKNOWN') return // it has ended, and its key with it
      this.#parts.warn(`${nameOf(asked.of)} is not revoked: ${String(error)}`)
    })
  }

  async #tellControl(of: IdentityOf): Promise<Heard> {
    if (of.kind === 'gate') return []
    const askedAtMs = performance.now()
    try {
      const { session } = of
      const timeoutMs = HEARD_TIMEOUT_MS
      await this.#parts.control().call('session.revoked', { session }, { timeoutMs })
      return [{ name: 'control', afterMs: Math.round(performance.now() - askedAtMs) }]
    } catch (error) {
      this.#parts.warn(`control has not heard that ${nameOf(of)} is revoked: ${String(error)}`)
      return [{ name: 'control', afterMs: null }]
    }
  }
}

function nameOf(of: IdentityOf): string {
  return of.kind === 'gate' ? `gate ${of.gate}` : of.session
}
