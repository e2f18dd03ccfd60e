import { parseJson } from '../../core/parse-json.ts'
import type { Json } from '../../core/facts.ts'
import { suggest } from '../../policy/nearest.ts'
import { printable, type Read } from '../../policy/problem.ts'
import { FactsText } from './facts-text.ts'

const LISTS: readonly string[] = ['approvals', 'findings', 'credentials', 'unconfirmed']

/** Facts as `NAME=VALUE`, lists with commas: what a test would write as `facts`. */
export function readFactFlags(flags: readonly string[]): Read<FactsText> {
  const facts: [string, unknown][] = []
  for (const flag of flags) {
    const [, name = flag, value = ''] = /^(\w+)=(.*)$/s.exec(flag) ?? []
    if (!Object.hasOwn(FactsText.shape, name)) return unknownFact(name)
    facts.push([name, valueOf(name, value)])
  }
  const parsed = FactsText.safeParse(Object.fromEntries(facts))
  if (parsed.success) return { value: parsed.data }
  const problems = parsed.error.issues.map(({ path, message }) => `${String(path[0])}: ${message}`)
  return { problem: problems.join('; ') }
}

function unknownFact(name: string): Read<FactsText> {
  const names = Object.keys(FactsText.shape)
  return {
    problem: `there is no fact \`${printable(name)}\``,
    hint: suggest(name, names, `write NAME=VALUE; the names are ${names.join(', ')}`),
  }
}

function valueOf(name: string, value: string): unknown {
  if (LISTS.includes(name)) return value === '' ? [] : value.split(',')
  return name === 'bodyBytes' && /^\d+$/.test(value) ? Number(value) : value
}

/** Arguments of a declared operation, as JSON. */
export function readArgumentsFlag(text: string): Read<Json> {
  try {
    const value: Json = parseJson(text)
    return { value }
  } catch {
    return { problem: 'the arguments are no JSON' }
  }
}
