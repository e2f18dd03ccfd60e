import type * as z from 'zod'
import { knownKeys } from './agent-schema.ts'
import { findNearest, suggest } from './nearest.ts'
import { describePath, type Problem, printable } from './problem.ts'

type Issue = z.core.$ZodIssue

type KeysAt = (path: readonly PropertyKey[]) => readonly string[]

/**
 * A schema's complaint in the words of the file's author.
 *
 * @param keysAt the keys that stand at a path of the file
 */
export function explainIssue(
  issue: Issue,
  input: unknown,
  keysAt: KeysAt = knownKeys,
): readonly Problem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => explainUnknownKey(issue.path, key, keysAt(issue.path)))
  }
  const value = valueAt(input, issue.path)
  const where = describePath(issue.path)
  if (value === undefined && issue.code !== 'custom') return [explainMissing(issue.path)]
  const { message, hint } = explain(issue, value)
  const prefix = where === '' ? '' : `${where}: `
  return [{ path: issue.path, at: 'value', message: `${prefix}${message}`, hint }]
}

function explainUnknownKey(
  path: readonly PropertyKey[],
  key: string,
  known: readonly string[],
): Problem {
  const where = describePath(path)
  return {
    path: [...path, key],
    at: 'key',
    message: `${where === '' ? '' : `${where}: `}unknown key \`${key}\``,
    hint: suggest(key, known, `the keys here are ${known.join(', ')}`),
  }
}

function explainMissing(path: readonly PropertyKey[]): Problem {
  const parent = path.slice(0, -1)
  const where = describePath(parent)
  return {
    path: parent,
    at: 'value',
    message: `${where === '' ? '' : `${where}: `}missing key \`${String(path.at(-1))}\``,
  }
}

type Explained = { message: string; hint?: string | undefined }

function explain(issue: Issue, value: unknown): Explained {
  if (issue.code === 'invalid_type') return explainType(issue.expected, value)
  if (issue.code === 'invalid_value') return explainChoice(issue.values.map(String), value)
  if (issue.code === 'too_big') {
    return { message: `want at most ${issue.maximum}${unitOf(issue.origin)}` }
  }
  if (issue.code === 'too_small') {
    return { message: `want at least ${issue.minimum}${unitOf(issue.origin)}` }
  }
  const hint = issue.code === 'custom' ? hintOf(issue.params) : undefined
  return { message: issue.message, hint }
}

function explainType(expected: string, value: unknown): Explained {
  const want = TYPES[expected] ?? expected
  const quoted = expected === 'string' && (typeof value === 'number' || typeof value === 'boolean')
  const hint = quoted ? `put quotes around it: "${String(value)}"` : undefined
  return { message: `want ${want}, not ${typeName(value)}`, hint }
}

const TYPES: Readonly<Record<string, string>> = {
  array: 'a list',
  int: 'a whole number',
  number: 'a number',
  object: 'keys and values',
  record: 'keys and values',
  string: 'text',
}

function typeName(value: unknown): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'keys and values'
  return typeof value === 'string' ? 'text' : `${JSON.stringify(value)}`
}

function explainChoice(choices: readonly string[], value: unknown): Explained {
  if (typeof value === 'string' && choices.includes(value)) {
    return { message: `want ${choices.join(' or ')}, not text`, hint: 'leave out the quotes' }
  }
  const shown = typeof value === 'string' ? `\`${printable(value, 64)}\`` : typeName(value)
  const nearest = typeof value === 'string' ? findNearest(value, choices) : undefined
  const hint = nearest === undefined ? undefined : `did you mean \`${nearest}\`?`
  return { message: `want ${choices.join(' or ')}, not ${shown}`, hint }
}

function unitOf(origin: string): string {
  if (origin === 'string') return ' characters'
  return origin === 'array' ? ' entries' : ''
}

function hintOf(params: unknown): string | undefined {
  if (typeof params !== 'object' || params === null || !('hint' in params)) return undefined
  return typeof params.hint === 'string' ? params.hint : undefined
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = new Map<PropertyKey, unknown>(Object.entries(value)).get(String(key))
  }
  return value
}
