import type { ChannelScore } from '../../../wire/llm.ts'

export type ScoredChannel = ChannelScore['channel']

/** A way of giving orders to a model that has a form of its own. */
export type InjectionRule = {
  /** stable, `injection.ignore-instructions` */
  id: string
  /** what a text with this scores at least, in thousandths */
  permille: number
  /** where honest texts have that form as well */
  except?: readonly ScoredChannel[]
  /** of the plain text; no quantifier over more than some words, so that work is linear */
  pattern: RegExp
}
