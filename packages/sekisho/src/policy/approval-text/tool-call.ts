import type { ToolCallAction } from '../../core/action.ts'
import type { HeldAction } from '../../wire/approval.ts'
import { isRunTime, readCall } from '../tools/read-call.ts'
import { commandLine } from './command-line.ts'
import { showLine } from './escape.ts'

type Held = Pick<HeldAction, 'action'>

/** The call that somebody is asked about; undefined for another action. */
export function heldCall({ action }: Held): ToolCallAction | undefined {
  return action.kind === 'llm.tool-call' ? action : undefined
}

/** Names that it would reach, for whoever looks at their letters. */
export function hostsOfCall(held: Held): readonly string[] {
  const call = heldCall(held)
  return call === undefined ? [] : readCall(call).hosts
}

export function warningsOfCall(held: Held): string[] {
  const call = heldCall(held)
  if (call === undefined) return []
  const unknown = call.commands.filter(isRunTime).length
  return [
    ...(unknown === 0 ? [] : [`${unknown} of its commands are known only when they run`]),
    ...(readCall(call).hasStrangeUrl ? ['nobody can say where one of its addresses leads'] : []),
  ]
}

/** Everything that it was read as, nothing cut. */
export function callLines(held: Held): string[] {
  const call = heldCall(held)
  if (call === undefined) return []
  const { commands, paths, urls } = call
  return [
    ...section(
      'would run',
      'command',
      commands.map(({ program, args }) => commandLine([program, ...args])),
    ),
    ...section('names', 'file', paths),
    ...section('names', 'address', urls),
  ]
}

function section(verb: string, noun: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return []
  const plural = noun.endsWith('s') ? `${noun}es` : `${noun}s`
  return [
    '',
    `it ${verb} ${lines.length} ${lines.length === 1 ? noun : plural}:`,
    ...lines.map((line) => `| ${showLine(line)}`),
  ]
}

/** Every text of it, as it would be run. */
export function textsOfCall(held: Held): readonly string[] {
  const call = heldCall(held)
  if (call === undefined) return []
  const words = call.commands.flatMap(({ program, args }) => [program, ...args])
  return [call.tool, ...words.filter((word) => word !== null), ...call.paths, ...call.urls]
}
