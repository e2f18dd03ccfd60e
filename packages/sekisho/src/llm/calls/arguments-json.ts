import type { Json } from '../../core/facts.ts'
import { foldCase } from '../hold/alike-names.ts'
import { readStrictJson } from '../hold/strict-json.ts'
import { Unreadable } from './unreadable.ts'

/**
 * The one meaning of a call's arguments; none at all are an empty object, as to every client.
 *
 * @throws Unreadable saying what is wrong, without the arguments
 */
export function readArgumentsJson(text: string): Json {
  if (text.trim() === '') return {}
  const read = readStrictJson(text)
  if ('problem' in read) throw new Unreadable(`arguments with ${read.problem}`)
  return asJson(read.value)
}

/** @throws Unreadable for what has no RFC 8785 form: a lone surrogate, a number without bound */
function asJson(value: unknown): Json {
  if (typeof value === 'string') return asText(value)
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'number') return asNumber(value)
  if (Array.isArray(value)) return value.map(asJson)
  if (typeof value !== 'object') throw new Unreadable('arguments that are no JSON')
  checkNames(Object.keys(value))
  return Object.fromEntries(
    Object.entries(value).map(([name, member]): [string, Json] => [asText(name), asJson(member)]),
  )
}

/** Two names that differ in their case alone are one to `encoding/json` of Go, which takes the last. */
function checkNames(names: readonly string[]): void {
  if (new Set(names.map(foldCase)).size < names.length) {
    throw new Unreadable('arguments with a name that stands in two cases')
  }
}

function asText(text: string): string {
  if (!text.isWellFormed()) throw new Unreadable('arguments with a lone surrogate')
  return text
}

function asNumber(value: number): number {
  if (!Number.isFinite(value)) throw new Unreadable('arguments with a number that is too large')
  return value
}
