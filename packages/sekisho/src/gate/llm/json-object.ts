import { parseJson } from '../../core/parse-json.ts'
import type { Json } from '../../core/facts.ts'
import { JsonScanner } from '../../llm/request/json-scanner.ts'
import { RequestFault } from '../../llm/request/request-fault.ts'

export type JsonObject = { [key: string]: Json }

/**
 * A JSON text as an object; undefined for any other, and for one of more values than a request may
 * have. A value takes memory however few bytes it has, so they are counted before any is made.
 */
export function parseObject(bytes: Buffer): JsonObject | undefined {
  try {
    countValues(bytes)
    const value: Json = parseJson(bytes.toString())
    return isObject(value) ? value : undefined
  } catch (error) {
    if (error instanceof RequestFault || error instanceof SyntaxError) return undefined
    throw error
  }
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Of a JSON text, at all depths. @throws RequestFault for more than a request may have */
export function countValues(text: Buffer): number {
  const scanner = new JsonScanner(text)
  scanner.peek() // behind the white space in front of it
  scanner.skipValue(0)
  return scanner.values
}
