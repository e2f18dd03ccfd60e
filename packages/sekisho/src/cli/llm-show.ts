import { parseJson } from '../core/parse-json.ts'
import { SekishoError } from '../core/error.ts'
import type { RecordedSide } from '../wire/llm.ts'
import type { Terminal } from './command.ts'
import { jsonFlag, onePositional } from './flags.ts'
import { jsonLine } from './json-line.ts'
import { readKept } from './kept-content.ts'
import { describeModelLeaf } from './llm-leaf-text.ts'
import { callsIn, findCall, type LoggedCall, parseCalls } from './llm-log.ts'
import { placeOf, withIndex } from './log-query.ts'
import { recordReading } from './log-reading.ts'
import { sessionIdOf } from './log-show.ts'
import { printable } from './terminal.ts'

const SIDES = ['request', 'reply'] as const
type SideName = (typeof SIDES)[number]

/** What was kept of one side of a call, or why nothing is to be had. */
type Kept = { kind: 'text'; text: string } | { kind: 'none'; why: string }

/**
 * One call: what its leaf says, and what was asked and said as it was kept. Each side is on record as
 * read before it is shown.
 *
 * @throws SekishoError USAGE, DAEMON_UNREACHABLE, LOG_UNWRITABLE
 */
export async function llmShow(
  usage: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { values, positionals } = jsonFlag(usage, argv, {
    session: { type: 'string' },
    side: { type: 'string' },
    index: { type: 'string' },
  })
  const id = onePositional(usage, positionals)
  const session = typeof values['session'] === 'string' ? sessionIdOf(values['session']) : undefined
  const sides = sidesOf(values['side'], usage)
  await recordReading({ what: 'show', query: ['llm', 'show', ...argv] }, terminal)
  const found = await withIndex(placeOf(values), terminal, (index) => findCall(index, id, session))
  if (values['json'] === true) {
    terminal.out(jsonLine(await exported(found, sides)))
    return 0
  }
  const { index, at, call } = found
  terminal.out(printable(`${index} ${at} ${call.session}${describeModelLeaf(call) ?? ''}`))
  for (const side of sides) {
    const kept = await readSide(found, side)
    for (const line of tell(side, call[side], kept)) terminal.out(printable(line))
  }
  return 0
}

/**
 * Every call of a session with what was asked and said, one JSON object a line.
 *
 * @throws SekishoError as {@link llmShow}
 */
export async function llmExport(
  usage: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { filter, session, values } = parseCalls(usage, argv)
  if (session === undefined) onePositional(usage, [])
  await recordReading({ what: 'export', query: ['llm', 'export', ...argv] }, terminal)
  const calls = await withIndex(placeOf(values), terminal, (index) => [...callsIn(index, filter)])
  for (const call of calls) terminal.out(jsonLine(await exported(call, SIDES)))
  if (calls.length > 0) return 0
  terminal.err(`the log has no model call of ${session}: see \`sekisho llm calls\``)
  return 1
}

function sidesOf(value: unknown, usage: string): readonly SideName[] {
  if (value === undefined) return SIDES
  const side = SIDES.find((known) => known === value)
  if (side !== undefined) return [side]
  throw new SekishoError('USAGE', '--side is request or reply', { hint: `usage: ${usage}` })
}

async function exported(found: LoggedCall, sides: readonly SideName[]): Promise<object> {
  const { index, at, call } = found
  const whole: Record<string, unknown> = { index, at, call }
  for (const side of sides) {
    const kept = await readSide(found, side)
    if (kept.kind === 'text') whole[side] = kept.text
    else whole[`${side}Missing`] = kept.why
  }
  return whole
}

async function readSide({ call }: LoggedCall, side: SideName): Promise<Kept> {
  const { kept, digest } = call[side]
  if (!kept) return { kind: 'none', why: 'its digest alone was kept' }
  try {
    const content = await readKept({ session: call.session, digest, what: 'recording' })
    return { kind: 'text', text: content.toString('utf8') }
  } catch (error) {
    if (error instanceof SekishoError && error.code === 'CONTENT_LOST') {
      return { kind: 'none', why: error.message }
    }
    throw error
  }
}

function tell(side: SideName, { bytes, digest }: RecordedSide, kept: Kept): string[] {
  const head = `${side}, ${bytes} bytes, ${digest}`
  if (kept.kind === 'none') return ['', `${head}: ${kept.why}`]
  return ['', `${head}:`, ...indented(kept.text).split('\n')]
}

/** A document is easier to read in lines; anything else stays as it is. */
function indented(text: string): string {
  try {
    return JSON.stringify(parseJson(text), null, 2)
  } catch {
    return text
  }
}
