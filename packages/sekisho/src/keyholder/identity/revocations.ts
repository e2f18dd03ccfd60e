import { join } from 'node:path'
import * as z from 'zod'
import type { Revocation } from '../../wire/keyholder.ts'
import { toPem } from '../../x509/certificate.ts'
import { REASON_CODES, revocationListBody } from '../../x509/revocation-list.ts'
import type { Authority } from './authority.ts'
import { readOwnFile, writeOwnFile } from './own-file.ts'
import type { Issued } from './svids.ts'

const DAY_MS = 86_400_000
/** How long a list is good for; it is made anew with each revocation and each start. */
const LIST_LIFE_MS = 7 * DAY_MS

const Entry = z.strictObject({
  serial: z.string(),
  generation: z.int().min(1),
  /** Unix ms */
  atMs: z.int(),
  endsAtMs: z.int(),
  reason: z.int(),
})
const Kept = z.strictObject({ v: z.literal(1), number: z.int().min(0), entries: z.array(Entry) })
type Kept = z.infer<typeof Kept>

const CODES: Readonly<Record<Revocation['reason'], number>> = {
  operator: REASON_CODES.privilegeWithdrawn,
  conflict: REASON_CODES.keyCompromise,
  contained: REASON_CODES.privilegeWithdrawn,
  canary: REASON_CODES.privilegeWithdrawn,
}

/** Certificates that were revoked before their end, and the lists (RFC 5280 §5) that say so. */
export class Revocations {
  readonly #path: string
  readonly #authority: Authority
  readonly #now: () => Date
  #kept: Kept

  /** @throws SekishoError CONFIG_INVALID */
  constructor(dir: string, authority: Authority, now: () => Date) {
    this.#path = join(dir, 'revoked.json')
    this.#authority = authority
    this.#now = now
    this.#kept = readOwnFile(this.#path, Kept) ?? { v: 1, number: 0, entries: [] }
  }

  /** @throws SekishoError LOG_UNWRITABLE: it is on no list then, though its key is refused */
  add(revoked: readonly Issued[], reason: Revocation['reason']): void {
    const nowMs = this.#now().getTime()
    const entries = revoked.map(({ serial, generation, endsAtMs }) => ({
      serial: serial.toString('hex'),
      generation,
      atMs: nowMs,
      endsAtMs,
      reason: CODES[reason],
    }))
    // §3.3: an entry stays until a list after the certificate's end has had it
    const lasting = this.#kept.entries.filter(({ endsAtMs }) => endsAtMs + DAY_MS > nowMs)
    this.#kept = { v: 1, number: this.#kept.number + 1, entries: [...lasting, ...entries] }
    writeOwnFile(this.#path, this.#kept)
  }

  /** PEM: the list of the authority in force, then of those before it that have revoked something. */
  lists(): string {
    const inForce = this.#authority.generation
    const others = this.#kept.entries.map(({ generation }) => generation)
    const generations = [...new Set([inForce, ...others])].toSorted((a, b) => b - a)
    return generations.map((generation) => toPem(this.#list(generation), 'X509 CRL')).join('')
  }

  #list(generation: number): Buffer {
    const nowMs = this.#now().getTime()
    const body = revocationListBody(this.#authority.issuerOf(generation), {
      number: this.#kept.number,
      thisUpdate: new Date(nowMs),
      nextUpdate: new Date(nowMs + LIST_LIFE_MS),
      revoked: this.#kept.entries
        .filter((entry) => entry.generation === generation)
        .map(({ serial, atMs, reason }) => ({
          serial: Buffer.from(serial, 'hex'),
          at: new Date(atMs),
          reason,
        })),
    })
    return this.#authority.sign(body, generation)
  }
}
