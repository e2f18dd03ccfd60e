import { type NoteVerifier, openNoteOf, verifyConsistency } from '@sekisho/verify'
import { keepSignatures } from '../note-lines.ts'
import { formatRequest } from '../request.ts'
import type { Answer } from './answer.ts'

/** A tree of the log, and the log's own signature over it. */
export type Tree = { size: number; root: Buffer; note: string }

/** The log as it stands in its files. */
export type LogView = {
  readonly tree: Tree
  /** the keys that the log signs by */
  readonly keys: readonly NoteVerifier[]
  /**
   * The root of an older tree of this log, and the proof that `tree` continues it.
   *
   * @param oldSize from 1 to the size of `tree`
   */
  prove: (oldSize: number) => Promise<{ oldRoot: Buffer; proof: Buffer[] }>
}

export type WitnessKeys = readonly NoteVerifier[]

/** What became of one submission. */
export type Outcome =
  | { kind: 'cosigned'; tree: Tree; timeSeconds: number; forgotten: number | null }
  | Refused
  | { kind: 'unreachable'; detail: string }

export type Refused = {
  kind: 'refused'
  reason: 'fork' | 'rollback' | 'bad-proof' | 'refused'
  /** of the tree that was refused */
  size: number
  detail: string
}

type Submission = {
  view: LogView
  /** what this witness cosigned last, as far as we hold it */
  held: { size: number; root: Buffer } | null
  witness: WitnessKeys
  send: (body: string) => Promise<Answer>
  now: () => Date
}

/** The first may be wrong about the size, the second not; a third is for who was in between. */
const MAX_ROUNDS = 3
/** Clocks differ by less; a time of the future would make a cosignature look fresh for long. */
const MAX_AHEAD_SECONDS = 300

/** Submits the newest checkpoint to one witness, and believes nothing of its answer unverified. */
export async function submit(submission: Submission): Promise<Outcome> {
  const { view, held } = submission
  const broken = await notContinued(view, held)
  if (broken !== undefined) return broken
  let oldSize = held?.size ?? 0
  let forgotten: number | null = null
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const answer = await submission.send(await requestFrom(view, oldSize))
    if (answer.kind === 'lines') return judgeLines(submission, { lines: answer.lines, forgotten })
    if (answer.kind !== 'size') return judgeRefusal(answer, { oldSize, size: view.tree.size })
    const wrong = judgeSize(view, answer.size, oldSize)
    if (wrong !== undefined) return wrong
    if (held !== null && answer.size < held.size) forgotten = answer.size
    oldSize = answer.size
  }
  return refused('refused', view, 'it names another size each time')
}

function judgeSize(view: LogView, size: number, oldSize: number): Refused | undefined {
  if (size > view.tree.size) {
    return refused('rollback', view, `it has cosigned ${size} leaves, the log has fewer`)
  }
  // it insists on what it was just given: it holds another tree of that size
  if (size !== oldSize) return undefined
  return refused('fork', view, `it holds another tree of ${size} leaves`)
}

/**
 * Whether this log is still the one that was cosigned, by our own files; undefined when it is.
 *
 * @param view undefined for an empty log
 */
export async function notContinued(
  view: LogView | undefined,
  cosigned: { size: number; root: Buffer } | null,
): Promise<Refused | undefined> {
  if (cosigned === null || cosigned.size === 0) return undefined
  const size = view?.tree.size ?? 0
  const broken = (reason: Refused['reason'], detail: string): Refused => ({
    kind: 'refused',
    reason,
    size,
    detail,
  })
  if (view === undefined || size < cosigned.size) {
    return broken('rollback', `${cosigned.size} leaves are cosigned, the log has ${size}`)
  }
  const { oldRoot } = await view.prove(cosigned.size)
  if (oldRoot.equals(cosigned.root)) return undefined
  return broken('fork', `another tree of ${cosigned.size} leaves is cosigned`)
}

async function requestFrom({ tree, prove }: LogView, oldSize: number): Promise<string> {
  if (oldSize === 0) return formatRequest({ oldSize, proof: [], note: tree.note })
  const { oldRoot, proof } = await prove(oldSize)
  const claim = { oldSize, oldRoot, newSize: tree.size, newRoot: tree.root, proof }
  if (!verifyConsistency(claim)) throw new Error('the log does not prove its own growth')
  return formatRequest({ oldSize, proof, note: tree.note })
}

function judgeLines(
  { view, witness, now }: Submission,
  { lines, forgotten }: { lines: string; forgotten: number | null },
): Outcome {
  const { tree, keys } = view
  const note = tree.note + lines
  const opened = openNoteOf(note, witness)
  if (opened.kind === 'refused') return refused('refused', view, opened.reason)
  const latest = now().getTime() / 1000 + MAX_AHEAD_SECONDS
  const times = opened.by.map(({ timeSeconds }) => timeSeconds ?? 0)
  if (times.some((time) => time === 0 || time > latest)) {
    return refused('refused', view, 'a cosignature without a time, or of the future')
  }
  const cosigned = { ...tree, note: keepSignatures(note, [...keys, ...witness]) }
  return { kind: 'cosigned', tree: cosigned, timeSeconds: Math.min(...times), forgotten }
}

function judgeRefusal(
  answer: Exclude<Answer, { kind: 'lines' | 'size' }>,
  { oldSize, size }: { oldSize: number; size: number },
): Outcome {
  const { reason: detail } = answer
  if (answer.kind === 'unreachable') return { kind: 'unreachable', detail }
  return { kind: 'refused', reason: meaningOf(answer.status, oldSize === size), size, detail }
}

/** A root that differs is 409 without a size in tlog-witness 1.0.0, and 422 in what came after it. */
function meaningOf(status: number, isSameSize: boolean): Refused['reason'] {
  if (status === 409) return 'fork'
  if (status !== 422) return 'refused'
  return isSameSize ? 'fork' : 'bad-proof'
}

function refused(reason: Refused['reason'], { tree }: LogView, detail: string): Refused {
  return { kind: 'refused', reason, size: tree.size, detail }
}
