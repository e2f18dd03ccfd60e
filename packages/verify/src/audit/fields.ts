import { isObject } from '../canonical.ts'

export type Leaf = Readonly<Record<string, unknown>>

/** Fields of a leaf whose shape nobody has vouched for; undefined for another kind of value. */
export function text(leaf: Leaf | undefined, key: string): string | undefined {
  const value = leaf?.[key]
  return typeof value === 'string' ? value : undefined
}

export function count(leaf: Leaf | undefined, key: string): number | undefined {
  const value = leaf?.[key]
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined
}

export function member(leaf: Leaf | undefined, key: string): Leaf | undefined {
  const value = leaf?.[key]
  return isObject(value) ? value : undefined
}

export function texts(leaf: Leaf | undefined, key: string): string[] {
  const value = leaf?.[key]
  const items: unknown[] = Array.isArray(value) ? value : []
  return items.filter((item) => typeof item === 'string')
}
