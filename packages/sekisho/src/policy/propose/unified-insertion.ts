/** Lines to take out and to put in; every line has its own end, but for the last of a file. */
export type Edit = {
  /** 0-based; the line that the new ones come to stand before */
  line: number
  remove: number
  add: readonly string[]
}

type Line = { kind: ' ' | '-' | '+'; text: string }

const CONTEXT = 3

/** @param edits in order, none overlapping */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  return lay(text, edits)
    .filter(({ kind }) => kind !== '-')
    .map((line) => line.text)
    .join('')
}

/**
 * A unified diff as `patch -p1` and `git apply` take it.
 *
 * @param path of the file, relative to where the patch is applied
 */
export function unifiedDiff(path: string, text: string, edits: readonly Edit[]): string {
  const lines = lay(text, edits)
  const hunks = hunkRanges(lines).map(([from, to]) => writeHunk(lines, from, to))
  return [`--- a/${path}\n`, `+++ b/${path}\n`, ...hunks].join('')
}

/** Old and new lines in one list. */
function lay(text: string, edits: readonly Edit[]): Line[] {
  const old = text.split(/(?<=\n)/)
  const lines: Line[] = []
  let at = 0
  for (const { line, remove, add } of edits) {
    lines.push(...old.slice(at, line).map((l) => ({ kind: ' ' as const, text: l })))
    lines.push(...old.slice(line, line + remove).map((l) => ({ kind: '-' as const, text: l })))
    lines.push(...add.map((l) => ({ kind: '+' as const, text: l })))
    at = line + remove
  }
  return [...lines, ...old.slice(at).map((l) => ({ kind: ' ' as const, text: l }))]
}

/** Changes with their context; where contexts meet, one hunk. */
function hunkRanges(lines: readonly Line[]): [number, number][] {
  const ranges: [number, number][] = []
  for (const [index, { kind }] of lines.entries()) {
    if (kind === ' ') continue
    const [from, to] = [Math.max(0, index - CONTEXT), Math.min(lines.length, index + CONTEXT + 1)]
    const last = ranges.at(-1)
    if (last !== undefined && from <= last[1]) last[1] = to
    else ranges.push([from, to])
  }
  return ranges
}

function writeHunk(lines: readonly Line[], from: number, to: number): string {
  const count = (part: readonly Line[], not: Line['kind']): number =>
    part.filter(({ kind }) => kind !== not).length
  const [before, hunk] = [lines.slice(0, from), lines.slice(from, to)]
  const span = (not: Line['kind']): string => {
    const length = count(hunk, not)
    return `${count(before, not) + (length === 0 ? 0 : 1)},${length}`
  }
  const body = hunk.map(({ kind, text }) =>
    text.endsWith('\n') ? kind + text : `${kind}${text}\n\\ No newline at end of file\n`,
  )
  return `@@ -${span('+')} +${span('-')} @@\n${body.join('')}`
}
