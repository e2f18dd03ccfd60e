import { readStringLiteral } from './smt-strings.ts'
import type { Value } from './smt-text.ts'

/**
 * What z3 prints of a model: `v0 -> true` a line, numbers as `(- 5)` where they are negative. What
 * it leaves out may be anything.
 *
 * @returns undefined for anything else
 */
export function readModel(text: string): Map<string, Value> | undefined {
  const values = new Map<string, Value>()
  const line = /([a-z]\d+) -> (true|false|\d+|\(- \d+\)|"(?:[^"]|"")*")\s*/y
  while (line.lastIndex < text.length) {
    const found = line.exec(text)
    if (found === null) return undefined
    values.set(String(found[1]), readValue(String(found[2])))
  }
  return values
}

function readValue(text: string): Value {
  if (text === 'true' || text === 'false') return text === 'true'
  if (text.startsWith('"')) return readStringLiteral(text)
  const digits = BigInt(text.replace(/[^0-9]/g, ''))
  return text.startsWith('(') ? -digits : digits
}
