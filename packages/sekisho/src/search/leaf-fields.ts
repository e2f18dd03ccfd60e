/** A leaf as it stands in the log: nothing of its shape is relied on. */
export type LogLeaf = Readonly<Record<string, unknown>>

/** The members of an object; none of anything else. */
export function membersOf(value: unknown): LogLeaf {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** Unix ms; null for a leaf without a time that can be read. */
export function timeOf({ at }: LogLeaf): number | null {
  const ms = typeof at === 'string' ? Date.parse(at) : Number.NaN
  return Number.isNaN(ms) ? null : ms
}

/** The session that a leaf is of; an identity says whose it is in a field of its own. */
export function sessionOf(leaf: LogLeaf): string | undefined {
  return textOf(leaf['session']) ?? textOf(membersOf(leaf['of'])['session'])
}

/** The hold that a leaf of an approval is about. */
export function holdOf(leaf: LogLeaf): string | undefined {
  if (leaf['type'] === 'approval.ended') return textOf(leaf['hold'])
  if (leaf['type'] !== 'approval.answer') return undefined
  return textOf(membersOf(membersOf(leaf['signed'])['statement'])['hold'])
}
