import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'

/** Hosts with a certificate in memory, per session. Each costs about 50 KB. */
const MAX_HOSTS = 128
/** A certificate this close to its end is not handed out any more. */
const MARGIN_MS = 60_000

/**
 * Without ML-KEM: these bytes cross one kernel and no network, and OpenSSL would keep 6 KB of its keys
 * for as long as the connection lasts.
 */
const CURVES = 'X25519:P-256:P-384:P-521'

export type GateKey = { privateKeyPem: string; spki: Buffer }

/** The key of every intercepted name; made at start, never written down. */
export function makeGateKey(): GateKey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    spki: publicKey.export({ type: 'spki', format: 'der' }),
  }
}

type Entry = { context: Promise<SecureContext>; endsAtMs: number }

/**
 * TLS contexts of one session, one per host. A context holds its own random ticket keys, so a TLS
 * session can be resumed at the same host of the same sandbox session and nowhere else.
 */
export class Certificates {
  readonly #entries = new Map<string, Entry>()
  readonly #key: GateKey
  readonly #certify: (host: string, spki: Buffer) => Promise<Buffer>
  readonly #now: () => number

  /** @param certify DER of a certificate for the host; @param now Unix ms */
  constructor(
    key: GateKey,
    certify: (host: string, spki: Buffer) => Promise<Buffer>,
    now: () => number,
  ) {
    this.#key = key
    this.#certify = certify
    this.#now = now
  }

  /** One request to the keyholder per host, however many ask at once. @throws as `certify` does */
  contextFor(host: string): Promise<SecureContext> {
    const known = this.#entries.get(host)
    if (known !== undefined && this.#now() < known.endsAtMs) {
      this.#entries.delete(host) // to the end of the order: least recently used goes first
      this.#entries.set(host, known)
      return known.context
    }
    const entry: Entry = {
      context: Promise.resolve().then(() => this.#make(host, entry)),
      endsAtMs: Infinity,
    }
    this.#entries.delete(host)
    this.#entries.set(host, entry)
    const [oldest] = this.#entries.keys()
    if (this.#entries.size > MAX_HOSTS && oldest !== undefined) this.#entries.delete(oldest)
    return entry.context
  }

  async #make(host: string, entry: Entry): Promise<SecureContext> {
    try {
      const certificate = new X509Certificate(await this.#certify(host, this.#key.spki))
      entry.endsAtMs = certificate.validToDate.getTime() - MARGIN_MS
      return createSecureContext({
        key: this.#key.privateKeyPem,
        cert: certificate.toString(),
        minVersion: 'TLSv1.2',
        ecdhCurve: CURVES,
      })
    } catch (error) {
      if (this.#entries.get(host) === entry) this.#entries.delete(host)
      throw error
    }
  }
}
