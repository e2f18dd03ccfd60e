import type { AlertCondition, AlertRule } from '../wire/exporter.ts'

type Leaf = Readonly<Record<string, unknown>>

/** Whether a leaf is one that a rule is about. */
export function matches({ type, where }: Pick<AlertRule, 'type' | 'where'>, leaf: Leaf): boolean {
  return leaf['type'] === type && where.every(({ field, is }) => holds(is, valueAt(leaf, field)))
}

/** What stands at `a.b.c`; undefined where nothing does. Only what is the leaf's own counts. */
export function valueAt(leaf: Leaf, field: string): unknown {
  let at: unknown = leaf
  for (const key of field.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined
    at = Reflect.get(at, key)
  }
  return at
}

function holds(is: AlertCondition['is'], value: unknown): boolean {
  if ('equals' in is) return value === is.equals
  if ('oneOf' in is) return typeof value === 'string' && is.oneOf.includes(value)
  if ('startsWith' in is) return typeof value === 'string' && value.startsWith(is.startsWith)
  if ('atLeast' in is) return typeof value === 'number' && value >= is.atLeast
  return (value !== undefined && value !== null) === is.present
}
