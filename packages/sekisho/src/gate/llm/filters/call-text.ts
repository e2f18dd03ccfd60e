import type { Json } from '../../../core/facts.ts'
import type { ProposedCall } from '../../../llm/format.ts'
import { readArgumentsJson } from '../../../llm/calls/arguments-json.ts'

/**
 * A call as a filter is asked about it: the tool's name, and each name and value of its arguments as
 * the tool will have it. In JSON, `\u0069gnore` is `ignore`.
 *
 * @param call one that can be read: what cannot is refused before anybody is asked
 */
export function callText({ tool, format, arguments: written }: ProposedCall): string {
  if (format !== 'json') return `${tool}\n${written}`
  return [tool, ...lines(readArgumentsJson(written), '')].join('\n')
}

function* lines(value: Json, name: string): Generator<string> {
  const members: (readonly [string, Json])[] = Array.isArray(value)
    ? value.map((item) => [name, item] as const)
    : Object.entries(typeof value === 'object' && value !== null ? value : {})
  if (members.length > 0) for (const [key, member] of members) yield* lines(member, key)
  else yield `${name}: ${typeof value === 'object' ? '' : value}`
}
