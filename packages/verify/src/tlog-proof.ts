import { fromBase64 } from './base64.ts'
import type { Checkpoint } from './checkpoint.ts'
import { HASH_BYTES, leafHash, verifyInclusion } from './merkle.ts'
import { type NoteSignedBy, openNoteOf } from './note.ts'
import { openCheckpoint } from './open-checkpoint.ts'
import type { NoteVerifier } from './vkey.ts'

/** A proof that a leaf is in a log, in one text that needs no network: C2SP tlog-proof. */
export type TlogProof = {
  /** of the leaf */
  index: number
  /** from the leaf's sibling up */
  hashes: readonly Buffer[]
  /** signed note */
  checkpoint: string
  /** whatever the application puts beside it; nothing vouches for it */
  extra?: Buffer | undefined
}

export type ProvenLeaf =
  | {
      kind: 'proven'
      index: number
      checkpoint: Checkpoint
      /** the keys among those that were given whose signatures the checkpoint has */
      by: readonly NoteSignedBy[]
    }
  | { kind: 'refused'; reason: string }

const FIRST_LINE = 'c2sp.org/tlog-proof@v1'
/** A path to the root of 2^53 leaves. */
const MAX_HASHES = 53

export function formatTlogProof({ index, hashes, checkpoint, extra }: TlogProof): string {
  const extraLine = extra === undefined ? [] : [`extra ${extra.toString('base64')}`]
  const path = hashes.map((hash) => hash.toString('base64'))
  return [FIRST_LINE, ...extraLine, `index ${index}`, ...path, '', checkpoint].join('\n')
}

/** undefined when the text is no proof; nothing in it is verified */
export function parseTlogProof(text: string): TlogProof | undefined {
  const end = text.indexOf('\n\n')
  const [first, ...lines] = text.slice(0, Math.max(end, 0)).split('\n')
  if (first !== FIRST_LINE) return undefined
  const extra = lines[0]?.startsWith('extra ') === true ? lines.shift()?.slice(6) : undefined
  const index = parseIndex(lines.shift())
  const hashes = parseHashes(lines)
  if (index === undefined || hashes === undefined) return undefined
  const proof = { index, hashes, checkpoint: text.slice(end + 2) }
  if (extra === undefined) return proof
  const bytes = fromBase64(extra)
  return bytes === undefined ? undefined : { ...proof, extra: bytes }
}

function parseIndex(line = ''): number | undefined {
  const [, digits = ''] = /^index (0|[1-9]\d{0,15})$/.exec(line) ?? []
  const index = Number(digits)
  return digits !== '' && Number.isSafeInteger(index) ? index : undefined
}

function parseHashes(lines: readonly string[]): Buffer[] | undefined {
  if (lines.length > MAX_HASHES) return undefined
  const hashes: Buffer[] = []
  for (const line of lines) {
    const hash = fromBase64(line)
    if (hash?.length !== HASH_BYTES) return undefined
    hashes.push(hash)
  }
  return hashes
}

/**
 * Whether the leaf is in the log that the key is of.
 *
 * @param log a key of the log itself: the proof's checkpoint must be signed by it, under its name
 * @param others keys to look for beside it, as those of witnesses; a signature by one of them that
 * does not fit refuses the proof
 */
export function verifyTlogProof(
  text: string,
  {
    leaf,
    log,
    others = [],
  }: {
    leaf: Uint8Array
    log: NoteVerifier
    others?: readonly NoteVerifier[]
  },
): ProvenLeaf {
  const proof = parseTlogProof(text)
  if (proof === undefined) return { kind: 'refused', reason: 'not a proof' }
  const opened = openCheckpoint(proof.checkpoint, log)
  if (opened.kind === 'refused') return opened
  const signed = openNoteOf(proof.checkpoint, [log, ...others])
  if (signed.kind === 'refused') return signed
  const { size, root } = opened.checkpoint
  const { index, hashes } = proof
  if (!verifyInclusion({ leaf: leafHash(leaf), index, size, proof: hashes, root })) {
    return { kind: 'refused', reason: `leaf ${index} of that checkpoint is not this one` }
  }
  return { kind: 'proven', index, checkpoint: opened.checkpoint, by: signed.by }
}
