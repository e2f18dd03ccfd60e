import { parseVkey } from '@sekisho/verify'
import * as z from 'zod'
import { readDuration } from '../policy/quantity.ts'
import { text } from '../policy/text.ts'
import { WitnessConfig, type Witnessing, WitnessName, WitnessUrl } from '../wire/witness.ts'

/** The part `witnesses` of platform.yaml: who cosigns this log, and how many of them it takes. */

const Vkey = z
  .string()
  .max(4096)
  .refine(isCosignersKey, 'want a witness’s verifier key, as it prints it')

const Witness = z.strictObject({
  name: WitnessName,
  url: WitnessUrl,
  /** one key, or an Ed25519 and an ML-DSA-44 key */
  vkey: z.union([Vkey.transform((vkey) => [vkey]), z.array(Vkey).min(1).max(2)]),
  operator: WitnessConfig.shape.operator,
})

export const WitnessSettings = z
  .strictObject({
    list: z.array(Witness).max(16).default([]),
    /** distinct operators; `self` is none */
    quorum: z.int().min(0).max(16).default(1),
    every: text((input) => readDuration(input, { min: '1s', max: '1h' })).prefault('5s'),
    lag: text((input) => readDuration(input, { min: '1s', max: '24h' })).prefault('60s'),
  })
  .refine(({ list }) => isUnique(list.map(({ name }) => name)), 'two witnesses of one name')
  .refine(({ list }) => isUnique(list.flatMap(({ vkey }) => vkey)), 'two witnesses with one key')
  .refine(
    ({ list, quorum }) => list.length === 0 || quorum <= operatorsOf(list).size,
    'a quorum of more operators than there are',
  )
export type WitnessSettings = z.infer<typeof WitnessSettings>

/** null where nobody cosigns. @param logVkeys the log's own verifier keys */
export function witnessingOf(
  { list, quorum, every, lag }: WitnessSettings,
  logVkeys: readonly string[],
): Witnessing | null {
  if (list.length === 0) return null
  return {
    witnesses: list.map(({ name, url, vkey, operator }) => ({ name, url, vkeys: vkey, operator })),
    quorum,
    logVkeys: [...logVkeys],
    everyMs: every,
    lagMs: lag,
  }
}

/** Independence is counted by operator, however they are spelled. */
export function operatorsOf(of: readonly { operator: string }[]): Set<string> {
  const names = of.map(({ operator }) => operator.normalize('NFKC').trim().toLowerCase())
  return new Set(names.filter((name) => name !== 'self'))
}

function isCosignersKey(vkey: string): boolean {
  try {
    return parseVkey(vkey).type !== 'ed25519'
  } catch {
    return false // the refinement says so
  }
}

function isUnique(texts: readonly string[]): boolean {
  return new Set(texts).size === texts.length
}
