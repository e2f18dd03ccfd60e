import { parseCheckpoint } from '../checkpoint.ts'
import { openNoteOf } from '../note.ts'
import { parseVkey } from '../vkey.ts'
import { UnusableInput } from './unusable.ts'

/** Somebody who has seen the log grow; several witnesses of one operator are one voice. */
export type Witness = { operator: string; vkey: string }

export type Witnessed = {
  /** leaves that the operators vouch for together */
  size: number
  operators: string[]
}

/**
 * Who cosigned the newest of the checkpoints that anybody did, counted by operator; and who of those
 * that were named cosigned none of them: to name a witness is to expect it.
 *
 * @param notes checkpoints of the log that its own key was found to have signed
 * @throws UnusableInput for a witness without a proper key
 */
export function countWitnesses(
  notes: readonly (string | null | undefined)[],
  witnesses: readonly Witness[] | undefined,
): { witnessed: Witnessed | null; missing: string[] } {
  if (witnesses === undefined || witnesses.length === 0) return { witnessed: null, missing: [] }
  const keys = witnesses.map(({ operator, vkey }) => ({ operator, verifier: verifierOf(vkey) }))
  const counted = notes.flatMap((note) => (typeof note === 'string' ? [countOne(note, keys)] : []))
  const witnessed = counted.reduce(
    (best, one) => (one.operators.length > 0 && one.size > best.size ? one : best),
    { size: 0, operators: [] },
  )
  const missing = new Set(witnesses.map(({ operator }) => operator))
  for (const operator of counted.flatMap(({ operators }) => operators)) missing.delete(operator)
  return { witnessed, missing: [...missing].sort() }
}

type Key = { operator: string; verifier: ReturnType<typeof parseVkey> }

function countOne(note: string, keys: readonly Key[]): Witnessed {
  const operators = new Set<string>()
  let size = 0
  for (const { operator, verifier } of keys) {
    const opened = openNoteOf(note, [verifier])
    if (opened.kind !== 'opened') continue // not cosigned by this one, or not properly
    operators.add(operator)
    size = parseCheckpoint(opened.text)?.size ?? 0
  }
  return { size, operators: [...operators].sort() }
}

function verifierOf(vkey: string): Key['verifier'] {
  try {
    return parseVkey(vkey)
  } catch (thrown) {
    if (!(thrown instanceof TypeError)) throw thrown
    throw new UnusableInput(`a witness’s key: ${thrown.message}`)
  }
}
