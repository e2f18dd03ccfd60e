/** Reading of JSON that an agent wrote: anything may be missing, or something else. */
import { parseJson } from '../core/parse-json.ts'

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
  return asObject(jsonIn(text))
}

export function objectsOf(values: readonly unknown[]): Json[] {
  return values.filter(isObject)
}

/** A call's arguments again; Node parses and writes what is nested as deep as a log is long. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value ?? {})
}

/** As logs of text have it. @returns null for what is no time, Unix ms */
export function timeText(ms: unknown): string | null {
  const isTime = typeof ms === 'number' && Number.isFinite(ms) && Math.abs(ms) <= LAST_TIME
  return isTime ? new Date(ms).toISOString() : null
}

/** ECMAScript's, Unix ms */
const LAST_TIME = 8.64e15

/** undefined for what is no JSON: the caller counts it */
function jsonIn(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
}

/** Each line an object, and null in the place of one that is none; blank ones are passed over. */
export function* linesOf(text: string): Generator<Json | null, void> {
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf('\n', start)
    const line = text.slice(start, end < 0 ? text.length : end)
    start += line.length + 1
    if (line.trim() !== '') yield parseObject(line) ?? null
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
