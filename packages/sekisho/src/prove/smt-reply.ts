import { readStringLiteral } from './smt-strings.ts'
import type { Value } from './smt-text.ts'

/** What z3 printed, read. */
export type Reply =
  | { kind: 'unsatisfiable' }
  | { kind: 'satisfiable'; values: ReadonlyMap<string, Value> }
  | { kind: 'unknown'; why: string }
  /** anything that is not exactly one answer: never taken for one */
  | { kind: 'error'; message: string }

/**
 * @param verdict what `check-sat` printed, and everything before it
 * @param detail what `get-value`, or `get-info :reason-unknown`, printed
 */
export function readReply(verdict: string, detail: string): Reply {
  switch (verdict.trim()) {
    case 'unsat':
      return { kind: 'unsatisfiable' }
    case 'unknown':
      return { kind: 'unknown', why: reason(detail) }
    case 'sat': {
      const values = readValues(detail)
      return values === undefined
        ? { kind: 'error', message: detail.slice(0, 500) }
        : { kind: 'satisfiable', values }
    }
    default:
      return { kind: 'error', message: verdict.slice(0, 500) }
  }
}

function reason(detail: string): string {
  const text = /"([^"]*)"/.exec(detail)?.[1] ?? 'no reason given'
  return text === 'canceled' || text === 'timeout' ? 'out of time' : text
}

/** `((v0 true) (v1 (- 5)) (v2 "a""b"))` */
function readValues(text: string): Map<string, Value> | undefined {
  const values = new Map<string, Value>()
  const entry = /\s*\(\s*([a-z]\d+)\s+(true|false|\d+|\(-\s+\d+\)|"(?:[^"]|"")*")\s*\)/y
  if (text.trim() === '') return values
  const open = /^\s*\(/.exec(text)
  if (open === null) return undefined
  entry.lastIndex = open[0].length
  let end = entry.lastIndex
  for (let found = entry.exec(text); found !== null; found = entry.exec(text)) {
    values.set(String(found[1]), readValue(String(found[2])))
    end = entry.lastIndex
  }
  return text.slice(end).trim() === ')' ? values : undefined
}

function readValue(text: string): Value {
  if (text === 'true' || text === 'false') return text === 'true'
  if (text.startsWith('"')) return readStringLiteral(text)
  const isNegative = text.startsWith('(')
  const digits = BigInt(text.replace(/[^0-9]/g, ''))
  return isNegative ? -digits : digits
}
