import { parseVkey } from '@sekisho/verify'
import { SekishoError } from '../../core/error.ts'
import type { WitnessAnswer, WitnessConfig, Witnessing } from '../../wire/witness.ts'
import type { CosignedNotes, Keys } from './cosigned-notes.ts'
import type { LogProofs } from './log-proofs.ts'
import { post } from './post.ts'
import { shownBy } from './shown-by.ts'
import { type LogView, notContinued, type Outcome, submit, type Tree } from './submit.ts'

type Asking = {
  witnessing: Witnessing
  notes: CosignedNotes
  proofs: () => LogProofs
  /** leaves of the log as whoever writes it has opened it */
  durable: number
  now: () => Date
  /** for everything together: a platform does not wait longer to start */
  timeoutMs?: number
}

const TIMEOUT_MS = 2000

type Found = Pick<WitnessAnswer, 'found' | 'detail' | 'note'>

/**
 * What the witnesses know of this log that its own files may have lost: a whole state directory set
 * back to an older copy is in order by itself, and only they remember more.
 *
 * Each is asked for the checkpoint that it shows; one that shows none is given the log's newest, and
 * its answer tells. All at once, and bounded: who does not answer is `unknown`.
 */
export async function askWitnesses(asking: Asking): Promise<WitnessAnswer[]> {
  const { witnessing, timeoutMs = TIMEOUT_MS } = asking
  const logKeys = witnessing.logVkeys.map((vkey) => parseVkey(vkey))
  const deadline = Date.now() + timeoutMs
  return Promise.all(
    witnessing.witnesses.map(async (witness) => {
      const keys = { log: logKeys, witness: witness.vkeys.map((vkey) => parseVkey(vkey)) }
      const held = asking.notes.read(witness.name, keys)
      const found = await inTime(
        askOne(asking, { witness, keys, held, deadline }).catch(ifBroken),
        timeoutMs,
      )
      const { name, operator } = witness
      return { name, operator, ...found, note: found.note ?? held?.note ?? null }
    }),
  )
}

type One = {
  witness: WitnessConfig
  keys: Keys
  held: Tree | null
  /** ms since 1970 */
  deadline: number
}

async function askOne(asking: Asking, one: One): Promise<Found> {
  const { witness, keys, held, deadline } = one
  const view = await asking.proofs().view(asking.durable)
  const left = (): { timeoutMs: number } => ({ timeoutMs: Math.max(1, deadline - Date.now()) })
  const shown = await shownBy(witness.url, keys, left())
  if (shown !== null) return foundBy(view, newer(shown, held))
  if (view === undefined) return held === null ? UNKNOWN : foundBy(view, held)
  const outcome = await submit({
    view,
    held,
    witness: keys.witness,
    send: (body) => post(witness.url, body, left()),
    now: asking.now,
  })
  return foundOf(outcome)
}

const UNKNOWN: Found = { found: 'unknown', detail: 'it shows nothing of this log', note: null }

async function foundBy(view: LogView | undefined, cosigned: Tree): Promise<Found> {
  const { size, note } = cosigned
  const broken = await notContinued(view, cosigned)
  return broken === undefined
    ? { found: 'sound', detail: `${size} leaves are cosigned`, note }
    : { found: 'broken', detail: broken.detail, note }
}

function foundOf(outcome: Outcome): Found {
  if (outcome.kind === 'cosigned') {
    const { size, note } = outcome.tree
    return { found: 'sound', detail: `${size} leaves are cosigned`, note }
  }
  const { detail } = outcome
  const isBroken = outcome.kind === 'refused' && outcome.reason !== 'refused'
  return { found: isBroken ? 'broken' : 'unknown', detail, note: null }
}

function newer(tree: Tree, held: Tree | null): Tree {
  return held !== null && held.size > tree.size ? held : tree
}

async function inTime(found: Promise<Found>, timeoutMs: number): Promise<Found> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Found>((resolve) => {
    const answer: Found = { found: 'unknown', detail: 'no answer in time', note: null }
    timer = setTimeout(() => resolve(answer), timeoutMs)
  })
  try {
    return await Promise.race([found, late])
  } finally {
    clearTimeout(timer)
    // what comes after that is nobody's any more
    found.catch(() => undefined)
  }
}

/** Files that do not give what the log signed are an answer as well. */
function ifBroken(thrown: unknown): Found {
  if (!(thrown instanceof SekishoError) || thrown.code !== 'LOG_BROKEN') throw thrown
  return { found: 'broken', detail: thrown.message, note: null }
}
