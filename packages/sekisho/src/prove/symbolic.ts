import { FALSE, type Term, TRUE } from './term.ts'

export type ScalarKind = 'bool' | 'long' | 'string' | 'datetime' | 'duration' | 'decimal'

/** A value of Cedar that depends on what is not known yet. */
export type Symbolic =
  | { kind: ScalarKind; term: Term }
  | SymbolicEntity
  | { kind: 'set'; set: SymbolicSet }
  | { kind: 'record'; record: SymbolicRecord }
  | { kind: 'choice'; when: Term; yes: Symbolic; no: Symbolic }
  /** of a type that is not encoded */
  | { kind: 'unknown'; name: string }

/** @see World for what its place is for */
export type SymbolicEntity = { kind: 'entity'; type: string; id: Term; place: string }

export type SymbolicSet =
  | { kind: 'literal'; elements: readonly Symbolic[] }
  /** whatever is at a place of the request */
  | { kind: 'symbol'; place: string }

export type SymbolicRecord = {
  names: readonly string[]
  /** undefined for a field that it never has */
  field(name: string): Field | undefined
}
export type Field = { present: Term; value: Symbolic }

/** What an expression comes to: a value, unless it fails. */
export type Result = { value: Symbolic; fails: Term }

export const FAILURE: Result = { value: { kind: 'bool', term: FALSE }, fails: TRUE }

/** Cedar can say it, and the encoding cannot. */
export class Unencodable extends Error {
  override readonly name = 'Unencodable'
}

export function succeed(value: Symbolic): Result {
  return { value, fails: FALSE }
}

export function truth(term: Term): Result {
  return succeed({ kind: 'bool', term })
}
