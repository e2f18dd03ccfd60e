import { createPublicKey, type KeyObject } from 'node:crypto'
import { isIP } from 'node:net'
import type { Action, ModelCallAction } from '../core/action.ts'
import { SekishoError } from '../core/error.ts'
import type { Deny } from '../core/verdict.ts'
import type { CredentialBinding } from '../wire/keyholder.ts'
import type { LlmCallLeaf } from '../wire/llm.ts'
import type { Began } from './approvals/approvals.ts'
import type { Standing } from './identity/standing.ts'
import { LeafScrubber } from './leaf-scrub.ts'
import { ReleasedCalls } from './released-calls.ts'
import { type Released, Vault } from './vault.ts'
import { type Authority, type IssuedCertificate, issueLeaf, makeAuthority } from './x509.ts'

/** Actions of one session under way at once; more are refused, for each is held until it ends. */
const MAX_OPEN_INTENTS = 4096
const LABEL = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?'
const HOST = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`)
const MAX_HOST = 253

export type SessionSecret = { binding: CredentialBinding; value: string }

/** What the keyholder holds for one session while it runs. */
export class Session {
  readonly id: string
  readonly authority: Authority
  /** who it is, and in which state */
  readonly standing: Standing
  /** the gate that speaks for it; null for one that has none */
  readonly gate: number | null
  /** calls of tools that its client was handed */
  readonly released: ReleasedCalls
  /** set once the session ends: nothing more is recorded, issued or released */
  isClosing = false
  /** undefined for one that was opened only to be closed */
  began: Began | undefined
  /** the session whose changes are taken back in this one, as its start leaf says */
  restores: string | null = null
  /** outlives the secrets themselves: the last leaves say what was done with them */
  readonly scrubber: LeafScrubber
  /** leaves on their way into the log, which are not counted yet */
  readonly underWay = new Set<Promise<number>>()
  #vault: Vault
  readonly #open = new Set<string>()
  /** of those, what asks a model and has not told yet what it came to */
  readonly #asking = new Map<string, ModelCallAction>()
  readonly #counters = new Map<string, number>()

  /**
   * @param key P-256, the authority's
   * @throws SekishoError CONFIG_INVALID for a secret without a proper host, or two of one name
   */
  constructor(
    id: string,
    parts: {
      key: KeyObject
      secrets: readonly SessionSecret[]
      standing: Standing
      gate: number | null
      /** began under another keyholder */
      isResumed?: boolean
    },
    now: Date,
  ) {
    const { key, secrets, standing, gate, isResumed = false } = parts
    checkSecrets(secrets)
    this.id = id
    this.standing = standing
    this.gate = gate
    this.released = new ReleasedCalls(!isResumed)
    this.authority = makeAuthority(id, key, now)
    this.#vault = new Vault(secrets)
    this.scrubber = new LeafScrubber(secrets.map(({ value }) => value))
  }

  count(what: string): void {
    const name = `keyholder.${what}`
    this.#counters.set(name, (this.#counters.get(name) ?? 0) + 1)
  }

  get counters(): Record<string, number> {
    return Object.fromEntries(this.#counters)
  }

  /** allowed intents without an outcome */
  get openIntents(): string[] {
    return [...this.#open]
  }

  /** @throws SekishoError PROTOCOL_VIOLATION when the id is in use, or too many are */
  openIntent(id: string, action?: Action): void {
    if (this.#open.has(id)) throw violation(`intent ${id} is open already`)
    if (this.#open.size >= MAX_OPEN_INTENTS) throw violation('too many actions under way')
    this.#open.add(id)
    if (action?.kind === 'llm.generate') this.#asking.set(id, action)
  }

  /**
   * What a call of a model came to is told once, while its intent is open.
   *
   * @throws SekishoError PROTOCOL_VIOLATION for anything else
   */
  tellCall({ id, provider, model, api }: LlmCallLeaf): void {
    const asked = this.#asking.get(id)
    if (asked === undefined) throw violation(`${id} is no model call that is open and not told`)
    if (asked.provider !== provider || asked.model !== model || asked.api !== api) {
      throw violation(`${id} asked ${asked.provider}:${asked.model}, not ${provider}:${model}`)
    }
    this.#asking.delete(id)
  }

  /** @throws SekishoError PROTOCOL_VIOLATION when no such intent is open */
  closeIntent(id: string): void {
    if (!this.#open.delete(id)) throw violation(`${id} is not an open intent`)
    this.#asking.delete(id)
  }

  reopenIntent(id: string): void {
    this.#open.add(id)
  }

  forgetIntent(id: string): void {
    this.#open.delete(id)
    this.#asking.delete(id)
  }

  release(names: readonly string[], action: Action): Released | (Deny & { secret: string }) {
    return this.#vault.release(names, action)
  }

  forgetSecrets(): void {
    this.#vault = new Vault([])
  }

  /**
   * @param spki base64 of DER: a P-256 key, uncompressed
   * @throws SekishoError PROTOCOL_VIOLATION for anything but a canonical host and such a key
   */
  certify(host: string, spki: string, now: Date): IssuedCertificate {
    if (!isHost(host)) throw violation('not a canonical host')
    const issued = issueLeaf(this.authority, { host, spki: readKey(spki) }, now)
    this.count('certificates')
    return issued
  }
}

function checkSecrets(secrets: readonly SessionSecret[]): void {
  const names = new Set<string>()
  for (const { binding } of secrets) {
    if (names.has(binding.name)) throw invalid(`two secrets are named ${binding.name}`)
    names.add(binding.name)
    const bad = binding.hosts.find((host) => !isHost(host.startsWith('*.') ? host.slice(2) : host))
    if (bad !== undefined) throw invalid(`secret ${binding.name}: ${bad} is not a canonical host`)
  }
}

/** Lower-case ASCII name without a trailing dot, or a numeric address without a zone. */
function isHost(host: string): boolean {
  if (isIP(host) !== 0) return !host.includes('%')
  // an all-numeric last label is how some resolvers spell an address
  return host.length <= MAX_HOST && HOST.test(host) && !/(?:^|\.)\d+$/.test(host)
}

function readKey(base64: string): Buffer {
  const spki = Buffer.from(base64, 'base64')
  let key: KeyObject
  try {
    key = createPublicKey({ key: spki, format: 'der', type: 'spki' })
  } catch (cause) {
    throw violation('not a public key', cause)
  }
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw violation('want a P-256 key')
  // what is signed is what was parsed: no trailing bytes, no other form of the same key
  if (!key.export({ format: 'der', type: 'spki' }).equals(spki)) throw violation('want plain DER')
  return spki
}

export function violation(message: string, cause?: unknown): SekishoError {
  return new SekishoError('PROTOCOL_VIOLATION', message, { cause })
}

function invalid(message: string): SekishoError {
  return new SekishoError('CONFIG_INVALID', message, {
    hint: 'write the host in lower case, as `name` or `*.name`, and give each secret its own name',
  })
}
