import { parseNote } from './note.ts'
import type { NoteVerifier } from './vkey.ts'

/** Somebody who cosigns this log's checkpoints, as whoever relies on that says of them. */
export type TrustedWitness = {
  readonly name: string
  /** who runs it, and could make it lie; `self` is the log's own operator */
  readonly operator: string
  /** its keys: any of them is enough */
  readonly keys: readonly NoteVerifier[]
}

export type Independence = {
  /** distinct operators other than the log's own, in the order of the witnesses */
  readonly operators: readonly string[]
  /** everyone whose cosignature fits; the time is that of the older of its cosignatures */
  readonly cosigned: readonly { name: string; operator: string; timeSeconds: number | null }[]
  /** names of witnesses whose cosignature is there and does not fit */
  readonly spoiled: readonly string[]
}

/** The operator of the log itself: its witnesses are worth having, and independent of nobody. */
const SELF = 'self'

/**
 * By how many independent operators a checkpoint is cosigned: ten witnesses of one operator are
 * one. Each witness is judged by itself, so a spoiled line of one takes nothing from the others.
 *
 * @param note a checkpoint, whose log's signature the caller verifies
 * @throws TypeError when two operators claim one key: then it cannot be said whose it is
 */
export function countIndependent(note: string, witnesses: readonly TrustedWitness[]): Independence {
  refuseSharedKeys(witnesses)
  const parsed = parseNote(note)
  const cosigned: { name: string; operator: string; timeSeconds: number | null }[] = []
  const spoiled: string[] = []
  for (const { name, operator, keys } of witnesses) {
    const found = typeof parsed === 'string' ? 'absent' : judge(parsed, keys)
    if (found === 'spoiled') spoiled.push(name)
    else if (found !== 'absent') cosigned.push({ name, operator, ...found })
  }
  return { operators: operatorsOf(cosigned), cosigned, spoiled }
}

type Parsed = Exclude<ReturnType<typeof parseNote>, string>

function judge(
  { text, signatures }: Parsed,
  keys: readonly NoteVerifier[],
): 'absent' | 'spoiled' | { timeSeconds: number | null } {
  const times: (number | null)[] = []
  for (const { name, keyId, signature } of signatures) {
    const key = keys.find((one) => one.name === name && one.keyId.equals(keyId))
    if (key === undefined) continue
    const fits = key.check(text, signature)
    if (fits === undefined) return 'spoiled'
    times.push(fits.timeSeconds)
  }
  const known = times.filter((time) => time !== null)
  if (times.length === 0) return 'absent'
  return { timeSeconds: known.length === 0 ? null : Math.min(...known) }
}

function operatorsOf(cosigned: Independence['cosigned']): string[] {
  const operators = new Map<string, string>()
  for (const { operator } of cosigned) {
    const same = sameAs(operator)
    if (same !== SELF && !operators.has(same)) operators.set(same, operator.trim())
  }
  return [...operators.values()]
}

/** One operator however it is spelled: the count must not grow by a capital letter. */
function sameAs(operator: string): string {
  return operator.normalize('NFKC').trim().toLowerCase()
}

function refuseSharedKeys(witnesses: readonly TrustedWitness[]): void {
  const owners = new Map<string, string>()
  for (const { operator, keys } of witnesses) {
    for (const { publicKey } of keys) {
      const key = publicKey.toString('base64')
      const owner = owners.get(key) ?? sameAs(operator)
      if (owner !== sameAs(operator)) throw new TypeError(`one key of ${owner} and ${operator}`)
      owners.set(key, owner)
    }
  }
}
