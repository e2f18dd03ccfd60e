/** Reading of JSON that an agent wrote: anything may be missing, or something else. */

export type Json = Record<string, unknown>

export function asObject(value: unknown): Json | undefined {
  return isObject(value) ? value : undefined
}

export function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** undefined for what is no JSON object */
export function parseObject(text: string): Json | undefined {
  return asObject(parseJson(text))
}

export function objectsOf(values: readonly unknown[]): Json[] {
  return values.filter(isObject)
}

/** undefined for what is no JSON: the caller counts it */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Each line an object; the number of those that are none stands beside. */
export function parseLines(text: string): { objects: Json[]; unread: number } {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const objects = objectsOf(lines.map(parseJson))
  return { objects, unread: lines.length - objects.length }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
