import {
  EMPTY_ROOT,
  type NoteVerifier,
  openNoteOf,
  parseCheckpoint,
  parseNote,
  verifyConsistency,
} from '@sekisho/verify'
import type { AddCheckpoint } from '../request.ts'

/**
 * What a witness answers, as a pure function of the request and of what it has cosigned before
 * (C2SP tlog-witness). Whoever calls it makes the new head durable before a cosignature leaves.
 */

/** A tree of a log, as the log signed it. */
export type Head = { size: number; root: Buffer }

/** A checkpoint whose signature by the log is verified. */
export type Submitted = Head & { text: string; note: string }

/** What the witness knows of a log. */
export type Watched = {
  /** what it has cosigned last; null for a log that it has cosigned nothing of */
  head: Head | null
  /** what it has cosigned for that size, as far as it remembers */
  cosignedAt(size: number): Head | undefined
  /** why it takes nothing of this log any more, until its operator says otherwise */
  refused: string | null
}

export type Judgement =
  /** to be cosigned; `isNew` when it is to be made durable first */
  | { kind: 'cosign'; isNew: boolean }
  /** the log has signed two trees of one size: proof that it shows different histories */
  | { kind: 'fork'; reply: Refusal }
  /** does not follow from what was cosigned: a lie, or a wrong proof */
  | { kind: 'bad-proof'; reply: Refusal }
  | { kind: 'refused'; reply: Refusal }

/** `size` replies are of the type text/x.tlog.size. */
export type Refusal =
  | { status: 400 | 403 | 404 | 422; reason: string }
  | { status: 409; size: number }

/** A checkpoint that one of the log's keys signed; other signatures are ignored. */
export function openSubmitted(
  { note }: AddCheckpoint,
  { origin, keys }: { origin: string; keys: readonly NoteVerifier[] },
): Submitted | Refusal {
  const parsed = parseNote(note)
  if (typeof parsed === 'string') return { status: 400, reason: parsed }
  const head = parseCheckpoint(parsed.text)
  if (head === undefined) return { status: 400, reason: 'not a checkpoint' }
  const opened = openNoteOf(note, keys)
  if (opened.kind === 'refused') return { status: 403, reason: opened.reason }
  if (head.origin !== origin) return { status: 400, reason: 'another origin' }
  return { size: head.size, root: head.root, text: parsed.text, note }
}

export function judge(
  { oldSize, proof }: AddCheckpoint,
  submitted: Submitted,
  watched: Watched,
): Judgement {
  if (watched.refused !== null) return refuse(403, `this log is refused: ${watched.refused}`)
  if (submitted.size === 0 && !submitted.root.equals(EMPTY_ROOT)) {
    return refuse(422, 'not the root of the empty tree')
  }
  const known = watched.head?.size ?? 0
  if (isFork(submitted, watched)) {
    const isAsked = oldSize === known
    return {
      kind: 'fork',
      reply: isAsked ? { status: 422, reason: FORK } : { status: 409, size: known },
    }
  }
  if (oldSize > submitted.size) return refuse(400, 'the old size is above that of the checkpoint')
  if (oldSize !== known) return { kind: 'refused', reply: { status: 409, size: known } }
  return judgeGrowth(submitted, proof, watched.head)
}

function isFork({ size, root }: Head, watched: Watched): boolean {
  return watched.cosignedAt(size)?.root.equals(root) === false
}

function judgeGrowth(submitted: Head, proof: readonly Buffer[], head: Head | null): Judgement {
  if (follows(submitted, { proof, head })) {
    return { kind: 'cosign', isNew: head === null || submitted.size > head.size }
  }
  const reply: Refusal = { status: 422, reason: 'the consistency proof does not hold' }
  // of an empty tree nothing can be shown to differ
  return { kind: head === null || head.size === 0 ? 'refused' : 'bad-proof', reply }
}

const FORK = 'the log has signed another root for this size'

/** Of an empty tree everything is a continuation, and there is nothing to prove. */
function follows(
  { size, root }: Head,
  { proof, head }: { proof: readonly Buffer[]; head: Head | null },
): boolean {
  if (head === null || head.size === 0) return proof.length === 0
  const old = { oldSize: head.size, oldRoot: head.root }
  return verifyConsistency({ ...old, newSize: size, newRoot: root, proof })
}

function refuse(status: 400 | 403 | 422, reason: string): Judgement {
  return { kind: 'refused', reply: { status, reason } }
}
