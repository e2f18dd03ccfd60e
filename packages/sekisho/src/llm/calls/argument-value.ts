import type { Json } from '../../core/facts.ts'

/** Stands for a value that is known only when the call is made. */
export const UNKNOWN: unique symbol = Symbol('unknown')

/** Arguments of a call: JSON, with holes where a program works them out. */
export type ArgumentValue =
  | typeof UNKNOWN
  | string
  | number
  | boolean
  | null
  | ArgumentValue[]
  | { [name: string]: ArgumentValue }

export type ArgumentMembers = { readonly [name: string]: ArgumentValue }

/** Members of an object; nothing for what is none. */
export function membersOf(value: ArgumentValue | Json): ArgumentMembers {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
}

/** A value, or undefined where the arguments have no such name of their own. */
export function memberOf(value: ArgumentValue, name: string): ArgumentValue | undefined {
  const members = membersOf(value)
  return Object.hasOwn(members, name) ? members[name] : undefined
}

/** Every text in it, at any depth, with the last name before it. */
export function* textsOf(
  value: ArgumentValue,
  name = '',
): Generator<{ name: string; text: string }> {
  if (typeof value === 'string') yield { name, text: value }
  else if (Array.isArray(value)) for (const item of value) yield* textsOf(item, name)
  else if (typeof value === 'object' && value !== null) {
    for (const [key, member] of Object.entries(value)) yield* textsOf(member, key)
  }
}

/** Whether some part of it is known only when the call is made. */
export function hasUnknown(value: ArgumentValue): boolean {
  if (value === UNKNOWN) return true
  if (Array.isArray(value)) return value.some(hasUnknown)
  return typeof value === 'object' && value !== null && Object.values(value).some(hasUnknown)
}
