import { SekishoError } from '../../core/error.ts'
import type {
  Heard,
  IdentityEntry,
  Revocation,
  supervisorToKeyholder,
} from '../../wire/keyholder.ts'
import type { Handlers } from '../../wire/peer.ts'
import type { Keyholder } from '../keyholder.ts'
import type { GateService } from '../gate-service.ts'
import { IN_MEMORY } from './svids.ts'

/** Certificates of an hour are renewed at half of it: a few late ones do no harm. */
const EVERY_MS = 30_000

type Calls =
  | 'identity.requests'
  | 'identity.install'
  | 'identity.list'
  | 'identity.revoke'
  | 'identity.crl'

export type IdentityServiceParts = {
  keyholder: Keyholder
  gates: GateService
  report: (error: unknown) => void
}

/** What the supervisor may ask about identities. */
export class IdentityService {
  readonly #parts: IdentityServiceParts
  #timer: NodeJS.Timeout | undefined

  constructor(parts: IdentityServiceParts) {
    this.#parts = parts
  }

  workRegularly(): void {
    const { keyholder, report } = this.#parts
    this.#timer = setInterval(() => {
      keyholder.renewDue().catch(report) // tried again with the next turn
      keyholder.keepPlace().catch(report)
    }, EVERY_MS)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  handlers(): Pick<Handlers<typeof supervisorToKeyholder>, Calls> {
    const { identities } = this.#parts.keyholder
    const { authority } = identities
    return {
      'identity.requests': () => ({ requests: authority.requests() }),
      'identity.install': async (made) => {
        authority.install(made)
        await identities.recordAuthority()
        return {}
      },
      'identity.list': () => ({
        trustDomain: authority.trustDomain,
        authority: authority.certificates,
        rootProtection: authority.rootProtection ?? null,
        entries: [...this.#parts.gates.entries(), ...this.#sessionEntries()],
      }),
      'identity.revoke': (revocation) => this.#revoke(revocation),
      'identity.crl': () => ({ pem: identities.revocations.lists() }),
    }
  }

  #sessionEntries(): IdentityEntry[] {
    return this.#parts.keyholder.sessions.all().flatMap(({ id: session, standing }) => {
      const { identity, isRevoked: revoked } = standing
      if (identity === undefined) return []
      const { id, key, endsAtMs: notAfter } = identity
      const certificate = identity.certificate.toString('base64')
      const of = { kind: 'session' as const, session }
      return [{ of, id, key, certificate, protection: IN_MEMORY, notAfter, revoked }]
    })
  }

  /** Keys are refused in this turn; then the log is told, and the gates, at the same time. */
  async #revoke(revocation: Revocation): Promise<{ keys: string[]; heard: Heard }> {
    const { keyholder, gates } = this.#parts
    const { of } = revocation
    if (of.kind === 'gate') return this.#revokeGate(of.gate, revocation)
    const [keys, heard] = await Promise.all([
      keyholder.revoke(of.session, revocation),
      gates.tellRevoked(of.session),
    ])
    return { keys, heard: [{ name: 'keyholder', afterMs: 0 }, ...heard] }
  }

  async #revokeGate(
    gate: number,
    { of, reason, detail, by }: Revocation,
  ): Promise<{ keys: string[]; heard: Heard }> {
    const { keyholder, gates } = this.#parts
    const channel = gates.find(gate)
    const issued = channel?.issued
    if (channel === undefined || issued === undefined) {
      throw new SekishoError('SESSION_UNKNOWN', `no gate ${gate} has an identity`, {
        hint: 'see `sekisho identity list`',
      })
    }
    gates.drop(channel)
    const keys = [issued.key]
    await keyholder.log.append({ type: 'identity.revoked', of, keys, reason, detail, by })
    keyholder.identities.revocations.add([issued], reason)
    return { keys, heard: [{ name: 'keyholder', afterMs: 0 }] }
  }
}
