export type JsonObject = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function objectAt(value: JsonObject, name: string): JsonObject | undefined {
  const member = value[name]
  return isObject(member) ? member : undefined
}

/** undefined for what is no text */
export function textAt(value: JsonObject, name: string): string | undefined {
  const member = value[name]
  return typeof member === 'string' ? member : undefined
}

/** undefined for what is no index */
export function indexAt(value: JsonObject, name: string): number | undefined {
  const member = value[name]
  return typeof member === 'number' && Number.isSafeInteger(member) && member >= 0
    ? member
    : undefined
}
