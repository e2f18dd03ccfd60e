import type { ReplayProcess, ReplayState } from './replay-state.ts'
import { printable } from './terminal.ts'
import { durationText } from './timeline-text.ts'

export type ScreenSize = { columns: number; rows: number }

/** Lines that are not lists: title, four headings, totals, and the blank ones between. */
const FRAME_ROWS = 10
const MIN_LIST_ROWS = 3
const MAX_DEPTH = 16

/** One picture of a session, no larger than the screen; its text cannot drive a terminal. */
export function drawScreen(state: ReplayState, { columns, rows }: ScreenSize): string[] {
  const room = Math.max(rows - FRAME_ROWS, 4 * MIN_LIST_ROWS)
  const quarter = Math.max(Math.floor(room / 4), MIN_LIST_ROWS)
  const holds = last(holdLines(state), quarter)
  const notes = last(state.notes, quarter)
  const half = Math.max(Math.floor((room - holds.length - notes.length) / 2), MIN_LIST_ROWS)
  const lines = [
    titleOf(state),
    '',
    `PROCESSES (${state.totals.types['process.exec'] ?? 0} programs run)`,
    ...last(treeLines([...state.processes.values()]), half),
    `ACTIONS (${countsOf(state)})`,
    ...last(requestLines(state), half),
    ...(holds.length === 0 ? [] : ['WAITING FOR A YES', ...holds]),
    ...(notes.length === 0 ? [] : ['WHAT ELSE HAPPENED', ...notes.map((note) => `  ${note}`)]),
    '',
    totalsOf(state),
  ]
  return lines.map((line) => clip(printable(line), columns))
}

function titleOf(state: ReplayState): string {
  const { nowMs, startedMs } = state
  const time = nowMs === null ? 'no time' : `${new Date(nowMs).toISOString().slice(0, 23)}Z`
  const since =
    nowMs === null || startedMs === null ? '' : `, ${durationText(nowMs - startedMs)} in`
  return `${state.title === '' ? 'a session' : state.title}: ${state.phase}; ${time}${since}`
}

/** Children under their parents; who is not known, or forgotten, is a root. */
function treeLines(processes: readonly ReplayProcess[]): string[] {
  const known = new Set(processes.map(({ pid }) => pid))
  const children = new Map<string, ReplayProcess[]>()
  for (const process of processes) {
    const parent = known.has(process.parent) && process.parent !== process.pid ? process.parent : ''
    children.set(parent, [...(children.get(parent) ?? []), process])
  }
  const lines: string[] = []
  const drawn = new Set<string>()
  const draw = (process: ReplayProcess, depth: number): void => {
    if (drawn.has(process.pid)) return // a pid that was used again can make a ring
    drawn.add(process.pid)
    const refused = process.isRefused ? 'REFUSED ' : ''
    lines.push(
      `  ${'  '.repeat(Math.min(depth, MAX_DEPTH))}${process.pid} ${refused}${process.text}`,
    )
    for (const child of children.get(process.pid) ?? []) draw(child, depth + 1)
  }
  for (const root of children.get('') ?? []) draw(root, 0)
  for (const process of processes) draw(process, 0)
  return lines
}

function requestLines({ requests }: ReplayState): string[] {
  return [...requests.values()].map(
    ({ what, verdict, came }) => `  ${verdict.toUpperCase().padEnd(5)} ${what} → ${came ?? '…'}`,
  )
}

function holdLines({ holds, nowMs }: ReplayState): string[] {
  return [...holds].map(([id, { what, needs, sinceMs }]) => {
    const waits = sinceMs === null || nowMs === null ? '' : `, ${durationText(nowMs - sinceMs)}`
    return `  ${id} ${what} (${needs}${waits})`
  })
}

function countsOf({ totals }: ReplayState): string {
  const { allow = 0, deny = 0 } = totals.verdicts
  return `${allow} allowed, ${deny} denied, ${totals.types['action.held'] ?? 0} held`
}

function totalsOf({ totals }: ReplayState): string {
  const { leaves, bytesOut, bytesIn, types } = totals
  return `${leaves} leaves, ${bytesOut} bytes out, ${bytesIn} in, ${types['alert'] ?? 0} alerts, ${types['gap'] ?? 0} gaps`
}

/** The newest of a list, with how many stand before them. */
function last(lines: readonly string[], atMost: number): string[] {
  if (lines.length <= atMost) return [...lines]
  const shown = lines.slice(lines.length - atMost + 1)
  return [`  … ${lines.length - shown.length} more`, ...shown]
}

/** By code points; a wide character may still run over, which wraps and no more. */
function clip(line: string, columns: number): string {
  const characters = Array.from(line)
  return characters.length <= columns ? line : `${characters.slice(0, columns - 1).join('')}…`
}
