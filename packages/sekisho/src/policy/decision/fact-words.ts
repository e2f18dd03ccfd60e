import {
  APPROVALS,
  CONFIDENTIALITIES,
  CONSEQUENCES,
  CRITICAL_ARGUMENTS,
  EFFECTS,
  INTEGRITIES,
  REVERSIBILITIES,
} from '../../core/label.ts'

type Words = Readonly<Record<string, readonly string[]>>

/** Members of `context.facts` that Cedar's types know as String, and that are one of a few words. */
export const WORDS_OF_FACTS: Words = {
  integrity: INTEGRITIES,
  confidentiality: CONFIDENTIALITIES,
  effect: EFFECTS,
  reversibility: REVERSIBILITIES,
  consequence: CONSEQUENCES,
}

/** Those that are sets of a few words. */
export const WORDS_IN_FACTS: Words = {
  approvals: APPROVALS,
  unconfirmed: CRITICAL_ARGUMENTS,
}
