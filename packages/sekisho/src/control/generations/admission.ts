import { SekishoError, toSekishoError } from '../../core/error.ts'
import {
  OPERATORS_TO_WIDEN,
  parseSignatures,
  SIGNATURES_FILE,
  type Signer,
  signersOf,
} from '../../policy/bundle-signatures.ts'
import type { Operator } from '../../policy/operators.ts'
import type { PolicyInstall } from '../../wire/control.ts'
import { type Compare, type Comparison, unprovable } from './comparison.ts'
import type { Candidate } from './generation.ts'

/** What a bundle must be fit to follow. */
export type Predecessor = Pick<Candidate, 'digest' | 'operators'> & {
  /** null for one that this version of the platform does not read any more */
  candidate: Candidate | null
}

export type Admitted = Pick<PolicyInstall, 'change' | 'detail' | 'signers'>

const GUIDE = 'see docs/guides/policy-changes.md'

/**
 * Whether a bundle may come into force after another. The operators who count are those of the one
 * before, so that a change cannot bring its own judges along.
 *
 * @param before null at the first start of all: the bundle's own operators are trusted once
 * @throws SekishoError POLICY_REFUSED, saying whose signature is missing
 * @throws SekishoError CONFIG_INVALID when signatures.yaml is not valid
 */
export async function admit(
  before: Predecessor | null,
  next: Candidate,
  compare: Compare,
): Promise<Admitted> {
  if (before === null) return admitFirst(next, signersFor(next, next.operators))
  const signers = signersFor(next, before.operators)
  if (before.digest === next.digest) {
    return { change: 'equal', detail: 'as before the restart', signers: [...signers] }
  }
  if (before.operators.length === 0) {
    return { change: 'not-proven', detail: 'not compared: nobody signs this bundle', signers: [] }
  }
  if (signers.length === 0) throw unsigned(next, before.operators)
  if (signers.length >= OPERATORS_TO_WIDEN) {
    const detail = `not compared: ${names(signers)} have signed it`
    return { change: 'not-proven', detail, signers: [...signers] }
  }
  const { change, detail } = await compareAll(before, next, compare)
  if (change === 'equal' || change === 'narrower') return { change, detail, signers: [...signers] }
  throw needsSecond({ signers, operators: before.operators, change, detail })
}

function signersFor(
  { digest, files }: Candidate,
  operators: readonly Operator[],
): readonly Signer[] {
  const text = files.get(SIGNATURES_FILE)
  if (text === undefined) return []
  return signersOf(digest, parseSignatures(text, SIGNATURES_FILE), operators)
}

function admitFirst(next: Candidate, signers: readonly Signer[]): Admitted {
  if (next.operators.length === 0) {
    return { change: 'first', detail: 'nobody signs this bundle', signers: [] }
  }
  if (signers.length === 0) throw unsigned(next, next.operators)
  const detail = 'its own operators are trusted, since no bundle was in force before it'
  return { change: 'first', detail, signers: [...signers] }
}

async function compareAll(
  before: Predecessor,
  next: Candidate,
  compare: Compare,
): Promise<Comparison> {
  if (before.candidate === null) {
    return { change: 'not-proven', detail: 'the bundle before it cannot be read any more' }
  }
  const others = unprovable(before.candidate, next)
  if (others.length > 0) return { change: 'not-proven', detail: others.slice(0, 8).join('; ') }
  try {
    return await compare(before.candidate, next)
  } catch (thrown) {
    return {
      change: 'not-proven',
      detail: `no proof is to be had: ${toSekishoError(thrown).message}`,
    }
  }
}

function unsigned({ digest }: Candidate, operators: readonly Operator[]): SekishoError {
  const message = `the policy bundle ${digest} is signed by none of ${names(operators)}`
  return new SekishoError('POLICY_REFUSED', message, {
    hint: `one of them runs \`sekisho policy sign\`, or the files are put back; ${GUIDE}`,
  })
}

function needsSecond(parts: {
  signers: readonly Signer[]
  operators: readonly Operator[]
  change: Comparison['change']
  detail: string
}): SekishoError {
  const { signers, operators, change, detail } = parts
  const what = change === 'wider' ? 'allows more than before' : 'is not proven to narrow'
  const signed = new Set(signers.map(({ name }) => name))
  const others = operators.filter(({ name }) => !signed.has(name))
  const message = `the policy bundle ${what}, and only ${names(signers)} has signed it\n${detail}`
  const who = others.length === 0 ? 'no other operator is there' : `one of ${names(others)}`
  return new SekishoError('POLICY_REFUSED', message.slice(0, 4000), {
    hint:
      others.length === 0
        ? `a second person must sign, and ${who}; ${GUIDE}`
        : `${who} must sign it too: sekisho policy sign; ${GUIDE}`,
  })
}

function names(people: readonly { name: string }[]): string {
  return people.map(({ name }) => name).join(', ')
}
