import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'
import type net from 'node:net'
import { joinForSigning } from '@sekisho/verify'
import { canonicalJson } from '../../core/canonical-json.ts'
import { SekishoError } from '../../core/error.ts'
import { claimBytes, gateKeyBytes, type KeySignature } from '../../wire/identity.ts'
import { gateToKeyholder, keyholderToGate, MAX_BLOB_PIECE_BYTES } from '../../wire/keyholder.ts'
import type { LeafInput } from '../../wire/leaves.ts'
import { errorToWire, type Handlers, Peer } from '../../wire/peer.ts'
import { socketTransport } from '../../wire/transport.ts'
import { makeTestCa, type TestCa } from './certificates.ts'
import { FakeRecordings } from './recordings.ts'
import { socketPair } from './socket-pair.ts'

type Leaf<T extends LeafInput['type']> = Extract<LeafInput, { type: T }>

/** Speaks the keyholder's protocol over a real socket; keeps leaves in memory, in order. */
export class FakeKeyholder {
  readonly ca: TestCa = makeTestCa()
  readonly leaves: LeafInput[] = []
  readonly certified: string[] = []
  /** what was kept, by its digest */
  readonly blobs = new Map<string, Buffer>()
  readonly secrets = new Map<string, string>()
  /** in place of what stands in `secrets` */
  release: ((names: readonly string[], leaf: LeafInput) => Record<string, string>) | undefined
  /** of model calls, whole, in the order they came */
  readonly recordings = new FakeRecordings()
  /** runs before a leaf is taken; throwing refuses it, waiting delays it */
  beforeRecord: (leaf: LeafInput) => Promise<void> | void = () => undefined
  readonly #waiters: (() => boolean)[] = []
  #socket: net.Socket | undefined

  /** The gate's end of a new connection; an earlier one stays as it is. */
  async connect(): Promise<net.Socket> {
    const [gateEnd, own] = await socketPair()
    this.#socket = own
    this.#serve(own)
    return gateEnd
  }

  /** As if the process had died. */
  die(): void {
    this.#socket?.destroy()
  }

  intents(): Leaf<'action.intent'>[] {
    return this.leaves.filter((leaf) => leaf.type === 'action.intent')
  }

  outcomes(): Leaf<'action.outcome'>[] {
    return this.leaves.filter((leaf) => leaf.type === 'action.outcome')
  }

  /** rules of every denial, in order */
  deniedBy(): string[] {
    return this.intents().flatMap(({ verdict }) => (verdict.kind === 'deny' ? verdict.rules : []))
  }

  /** Resolves as soon as the leaves are so. */
  until(isSo: (keyholder: this) => boolean): Promise<void> {
    if (isSo(this)) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiters.push(() => {
        if (!isSo(this)) return false
        resolve()
        return true
      })
    })
  }

  #serve(socket: net.Socket): void {
    let key: KeyObject | undefined
    let last = 0
    const peer = new Peer('gate', socketTransport(socket), {
      out: keyholderToGate,
      in: gateToKeyholder,
      handlers: {
        identify: ({ spki, proof }) => {
          key = keyOf(spki)
          if (!isSigned(key, gateKeyBytes(spki), proof)) throw new Error('a proof that is none')
          const renewAt = Date.now() + 3_600_000
          return { id: 'spiffe://test.internal/gate/0/a', certificate: '', renewAt }
        },
        record: async ({ leaf, credentials, seq }) => {
          if (isTold(leaf)) throw new Error(`${leaf.type} is told`)
          if (seq <= last) throw new Error(`record ${seq} after ${last}`)
          last = seq
          return { index: await this.#take(leaf), credentials: this.#release(credentials, leaf) }
        },
        tell: async ({ leaves, claim, seq }) => {
          if (!leaves.every(isTold)) throw new Error('what nobody tells')
          if (seq <= last) throw new Error(`record ${seq} after ${last}`)
          last = seq
          checkClaim(leaves, claim, key)
          const ends = await Promise.allSettled(leaves.map((leaf) => this.#take(leaf)))
          return {
            told: ends.map((end) =>
              end.status === 'fulfilled' ? end.value : errorToWire(end.reason),
            ),
          }
        },
        ...this.#blobs(),
        'recording.put': (put) => this.recordings.put(put),
        certify: ({ host, spki }) => {
          this.certified.push(host)
          const certificate = this.ca.issue(host, Buffer.from(spki, 'base64'))
          return { certificate: certificate.toString('base64'), notAfter: Date.now() + 3_600_000 }
        },
      },
    })
    peer.onClose(() => socket.destroy())
  }

  async #take(leaf: LeafInput): Promise<number> {
    await this.beforeRecord(leaf)
    this.leaves.push(leaf)
    for (const waiter of this.#waiters.splice(0)) if (!waiter()) this.#waiters.push(waiter)
    return this.leaves.length - 1
  }

  #blobs(): Pick<Handlers<typeof gateToKeyholder>, 'blob.put' | 'blob.name' | 'blob.get'> {
    const uploads = new Map<string, Buffer[]>()
    const named = (sha256: string): string => `sha256:${sha256.slice('sha256:'.length)}`
    return {
      'blob.put': ({ upload, totalBytes, piece }) => {
        const pieces = uploads.get(upload) ?? []
        pieces.push(Buffer.from(piece, 'base64'))
        uploads.set(upload, pieces)
        const content = Buffer.concat(pieces)
        if (content.length < totalBytes) return { digest: null }
        const digest = named(`sha256:${createHash('sha256').update(content).digest('hex')}`)
        this.blobs.set(digest, content)
        return { digest }
      },
      'blob.name': ({ sha256 }) => ({ digest: named(sha256) }),
      'blob.get': ({ digest, offset }) => {
        const content = this.blobs.get(digest) ?? Buffer.alloc(0)
        const piece = content.subarray(offset, offset + MAX_BLOB_PIECE_BYTES)
        return { totalBytes: content.length, piece: piece.toString('base64') }
      },
    }
  }

  #release(names: readonly string[], leaf: LeafInput): Record<string, string> {
    if (this.release !== undefined) return this.release(names, leaf)
    const values = names.map((name) => {
      const value = this.secrets.get(name)
      if (value === undefined) throw new SekishoError('SECRET_MISSING', name)
      return [name, value]
    })
    return Object.fromEntries(values)
  }
}

function isTold({ type }: LeafInput): boolean {
  return type === 'action.outcome' || type === 'llm.call'
}

/** @throws Error unless the outcomes among them are signed by the gate's own key */
function checkClaim(
  leaves: readonly LeafInput[],
  claim: KeySignature | null,
  key: KeyObject | undefined,
): void {
  const outcomes = leaves.filter(({ type }) => type === 'action.outcome')
  if (outcomes.length === 0) return
  const texts = outcomes.map((leaf) => claimBytes(canonicalJson(leaf)))
  const [first = Buffer.alloc(0), ...more] = texts
  const message = more.length === 0 ? first : joinForSigning(texts).message
  if (claim !== null && key !== undefined && isSigned(key, message, claim.value)) return
  throw new Error('an outcome whose claim is not its gate’s')
}

function keyOf(spki: string): KeyObject {
  return createPublicKey({ key: Buffer.from(spki, 'base64'), format: 'der', type: 'spki' })
}

function isSigned(key: KeyObject, bytes: Buffer, signature: string): boolean {
  const options = { key, dsaEncoding: 'ieee-p1363' } as const
  return verify('sha256', bytes, options, Buffer.from(signature, 'base64'))
}
