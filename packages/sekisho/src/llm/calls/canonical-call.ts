import { createHash } from 'node:crypto'
import type { ToolCallAction } from '../../core/action.ts'
import { canonicalJson } from '../../core/canonical-json.ts'
import type { RecordedFinding } from '../../core/finding.ts'
import type { ProposedCall } from '../format.ts'
import { readArgumentsJson } from './arguments-json.ts'
import { readCall } from './read-call.ts'
import type { ToolReading } from './tool-reading.ts'
import { Unreadable } from './unreadable.ts'

export type CanonicalCall =
  | { kind: 'call'; actions: ToolCallAction[]; findings: RecordedFinding[] }
  | { kind: 'refused'; reason: string }

/** Actions of one call; a program that asks for more is no program that anybody reviews. */
const MAX_ACTIONS = 32

/**
 * What a proposed call would do, with every wrapper around it opened: one action or several, all of
 * which have to be allowed. Refused is what cannot be read, or is more than anybody looks at; what
 * can be read but is known only when it runs is an action with unknown parts.
 *
 * @param of whose call it is
 */
export function canonicalCall(
  proposed: ProposedCall,
  of: { provider: string; model: string },
): CanonicalCall {
  try {
    return read(proposed, of)
  } catch (thrown) {
    if (thrown instanceof Unreadable) return { kind: 'refused', reason: thrown.message }
    // the stack, which is what bounds syntax trees of less than 64 KB that are all depth
    if (thrown instanceof RangeError) return { kind: 'refused', reason: 'nested too deep' }
    throw thrown
  }
}

function read(proposed: ProposedCall, of: { provider: string; model: string }): CanonicalCall {
  const { tool, type, format } = proposed
  if (!proposed.arguments.isWellFormed()) throw new Unreadable('arguments with a lone surrogate')
  const value = format === 'json' ? readArgumentsJson(proposed.arguments) : proposed.arguments
  if (type === 'tool_use' && hasExponent(proposed.arguments)) {
    throw new Unreadable('arguments with a number that clients read in different ways')
  }
  const readings = readCall({ tool, type, value })
  if (readings.length > MAX_ACTIONS) throw new Unreadable(`more than ${MAX_ACTIONS} calls in one`)
  const text = format === 'json' ? canonicalJson(value) : proposed.arguments
  const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`
  const callId = proposed.callId?.slice(0, 256).toWellFormed() ?? null
  return {
    kind: 'call',
    actions: readings.map((reading) => ({
      kind: 'llm.tool-call',
      ...of,
      tool: reading.tool,
      does: reading.does,
      commands: reading.commands,
      paths: reading.paths,
      urls: reading.urls,
      digest,
      callId,
    })),
    findings: countFindings(readings),
  }
}

const STRING = /"(?:[^"\\]|\\.)*"/g

/** The reader of Anthropic's client library for JavaScript makes 23 of `2e-3` (its `partialParse`). */
function hasExponent(json: string): boolean {
  return /[0-9]e/i.test(json.replaceAll(STRING, '""'))
}

function countFindings(readings: readonly ToolReading[]): RecordedFinding[] {
  const counts = new Map<string, number>()
  for (const id of readings.flatMap(({ findings }) => [...findings])) {
    counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  return [...counts].map(([detector, count]) => ({
    detector,
    place: 'tool call',
    count,
    did: 'recorded',
  }))
}
