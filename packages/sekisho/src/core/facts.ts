import type { ModelCallAction, PackageInstallAction } from './action.ts'
import type { ApprovalKind, Consequence, CriticalArgument, Label, Reversibility } from './label.ts'
import { CLEAN } from './label.ts'

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

/** An argument that decides where an action strikes. */
export type CriticalValue = {
  kind: CriticalArgument
  /** path of the argument, such as `to[0]` */
  argument: string
  value: string
}

/** A request that is a declared operation, with arguments that its schema has taken. */
export type OperationCall = {
  id: string
  arguments: Json
  reversibility: Reversibility
  consequence: Consequence
}

/** An argument that decides where an action strikes and whose value no trusted source has named. */
export type UnconfirmedArgument = {
  kind: CriticalArgument
  /** path of the argument, such as `to[0]` */
  argument: string
  value: string
  /** where the value was seen; `unknown` where it was not */
  origin: string
}

/** What is known of one action beside itself when it is decided. */
export type ActionFacts = {
  /** detector ids */
  findings: readonly string[]
  /** names of the credentials that would be attached */
  credentials: readonly string[]
  approvals: readonly ApprovalKind[]
  bodyBytes: number
  /** of the session as it is now */
  label: Label
  operation: OperationCall | null
  /** the request fetches the file of a package, to be installed */
  install: PackageInstallAction | null
  /** the request asks a model to go on */
  generate: ModelCallAction | null
  /** of a declared operation: every argument that decides where it strikes */
  critical: readonly CriticalValue[]
  /** those of them that nobody trusted has named */
  unconfirmed: readonly UnconfirmedArgument[]
  /**
   * whether what is there now has been kept: null before anybody tried, and where no rule asks
   * for it
   */
  hasPreImage: boolean | null
  /** what the session may still send; left out where nobody counts */
  left?: { bytes: number; requests: number } | undefined
  /** the mandate that stands for the approvals */
  mandate?: string | undefined
}

export const NO_FACTS: ActionFacts = Object.freeze({
  findings: [],
  credentials: [],
  approvals: [],
  bodyBytes: 0,
  label: CLEAN,
  operation: null,
  install: null,
  generate: null,
  critical: [],
  unconfirmed: [],
  hasPreImage: null,
})
