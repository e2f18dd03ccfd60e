import { HASH_BYTES } from '@sekisho/verify'

/** The body of an add-checkpoint request (C2SP tlog-witness, "add-checkpoint"). */
export type AddCheckpoint = {
  /** leaves that the witness has cosigned before, as its client believes */
  oldSize: number
  proof: readonly Buffer[]
  /** the checkpoint, a signed note */
  note: string
}

export const MAX_PROOF_HASHES = 63
/** 16 signatures of the largest post-quantum kind, the proof, and room to spare. */
export const MAX_REQUEST_BYTES = 128 * 1024
/** Of the reply that says by its type that it is a size. */
export const SIZE_TYPE = 'text/x.tlog.size'

const SIZE = /^(0|[1-9]\d{0,15})$/

export function formatRequest({ oldSize, proof, note }: AddCheckpoint): string {
  const hashes = proof.map((hash) => `${hash.toString('base64')}\n`).join('')
  return `old ${oldSize}\n${hashes}\n${note}`
}

/** undefined for whatever is not exactly one request; the note is only looked at for its end */
export function parseRequest(body: Uint8Array): AddCheckpoint | undefined {
  const text = decodeStrictly(body) ?? ''
  const end = text.indexOf('\n\n')
  if (end < 0) return undefined
  const [first = '', ...lines] = text.slice(0, end).split('\n')
  const oldSize = first.startsWith('old ') ? parseSize(first.slice(4)) : undefined
  const proof = lines.map(parseHash).filter((hash) => hash !== undefined)
  const note = text.slice(end + 2)
  const isProof = proof.length === lines.length && proof.length <= MAX_PROOF_HASHES
  if (oldSize === undefined || !isProof || !note.endsWith('\n')) return undefined
  return { oldSize, proof, note }
}

/** Decimal without leading zeroes; undefined beyond 2^53-1 */
export function parseSize(text: string): number | undefined {
  const size = SIZE.test(text) ? Number(text) : Number.NaN
  return Number.isSafeInteger(size) ? size : undefined
}

function parseHash(line: string): Buffer | undefined {
  const hash = Buffer.from(line, 'base64')
  return hash.length === HASH_BYTES && hash.toString('base64') === line ? hash : undefined
}

/** The first line: whose checkpoint this says that it is. */
export function originOf(note: string): string {
  return note.slice(0, Math.max(0, note.indexOf('\n')))
}

function decodeStrictly(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined // not UTF-8, which a note has to be
  }
}
