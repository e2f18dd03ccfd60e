import { hash } from 'node:crypto'
import { canonicalJson } from '../../core/canonical-json.ts'
import type { Constraint } from '../../wire/constraints.ts'
import type { LedgerEntry } from '../../wire/ledger.ts'
import type { Amounts } from './compile-constraints.ts'
import { bucketOf } from './ledger-cell.ts'

export type Reservation = {
  session: string
  /** of the action */
  id: string
  agent: string
  uid: number
  amounts: Amounts
}

export type Exceeded = { kind: 'exceeded'; constraint: string; reason: string }
/** A part of a reservation, in one cell. */
export type Part = {
  cell: string
  constraint: Constraint
  /** the same where the amount is known */
  least: number
  most: number
  isKnown: boolean
  /** it outlives the session */
  isKept: boolean
}
export function partsOf(
  reservation: Reservation,
  constraints: readonly Constraint[],
): readonly Part[] | Exceeded {
  const parts: Part[] = []
  for (const [id, amount] of Object.entries(reservation.amounts)) {
    const constraint = constraints.find((each) => each.id === id)
    if (constraint === undefined) return exceeded(id, 'no such constraint is in force')
    const isKnown = amount !== null
    const bounds = isKnown ? { least: amount, most: amount } : boundsOf(constraint)
    if (bounds === undefined) return exceeded(id, 'what it counts for is not known')
    const isKept = constraint.per !== 'session'
    parts.push({ cell: cellOf(constraint, reservation), constraint, ...bounds, isKnown, isKept })
  }
  return parts
}

function boundsOf({ measure }: Constraint): { least: number; most: number } | undefined {
  return measure.kind === 'sum' ? { least: measure.min, most: measure.max } : undefined
}

/** A constraint that counts something else has other cells; its bound and window may change freely. */
function cellOf({ id, of, measure, per }: Constraint, reservation: Reservation): string {
  const meaning = hash('sha256', canonicalJson({ of, measure, per }), 'base64url').slice(0, 16)
  const whose = {
    session: reservation.session,
    agent: reservation.agent,
    user: String(reservation.uid),
    platform: 'all',
  }
  return `${id} ${meaning} ${per} ${whose[per]}`
}

export function isOfSession(cell: string): boolean {
  return cell.split(' ')[2] === 'session'
}

/** What of a part is kept: only what raises a sum at once, only what lowers it once it stands. */
export function entriesOf(
  { cell, constraint, isKept, most }: Part,
  atMs: number,
  what: 'raises' | 'lowers' | 'is taken back',
): LedgerEntry[] {
  if (!isKept || (what === 'lowers' ? most >= 0 : most <= 0)) return []
  const { windowMs } = constraint
  const bucket = bucketOf(most, atMs, windowMs)
  const positive = what === 'is taken back' ? -bucket.positive : bucket.positive
  return [{ cell, windowMs, ...bucket, positive }]
}

/** It may be released yet. */
export function orNought({ least, most }: Part): { least: number; most: number } {
  return { least: Math.min(0, least), most: Math.max(0, most) }
}

export function longer(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : Math.max(a, b)
}

export function variableOf(key: string, { measure, id }: Constraint): string {
  return `${key} ${measure.kind === 'sum' ? measure.argument : id}`
}

export function keyOf({ session, id }: Pick<Reservation, 'session' | 'id'>): string {
  return `${session} ${id}`
}

export function exceeded(constraint: string, reason: string): Exceeded {
  return { kind: 'exceeded', constraint, reason }
}

export function explain({ constraint, least }: Part, before: number): string {
  const { max, per, windowMs } = constraint
  const window = windowMs === null ? '' : ` within ${windowMs / 1000} s`
  return `${before} of at most ${max} per ${per}${window} are taken, and this is ${least} more`
}
