import { valueAt } from './alert-match.ts'

/** Reads of a leaf's fields, for those who show it in another form: what is not there is left out. */
export type Fields = Readonly<Record<string, unknown>>

export function textAt(leaf: Fields, field: string): string | undefined {
  const value = valueAt(leaf, field)
  return typeof value === 'string' && value !== '' ? value : undefined
}

export function numberAt(leaf: Fields, field: string): number | undefined {
  const value = valueAt(leaf, field)
  return typeof value === 'number' ? value : undefined
}

export function textsAt(leaf: Fields, field: string): string[] {
  const value = valueAt(leaf, field)
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

/** Without the members that are undefined: other formats know null and absence apart. */
export function defined(members: Fields): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
}

/** What a leaf belongs to, the same for an intent and its outcome; undefined outside sessions. */
export function correlationOf(leaf: Fields): string | undefined {
  const session = textAt(leaf, 'session')
  const id = textAt(leaf, 'id')
  return session === undefined || id === undefined ? session : `${session}/${id}`
}
