/** One line of the shortest edit: of both texts, of the old one alone, of the new one alone. */
type Edit = { kind: ' ' | '-' | '+'; line: string }

const CONTEXT_LINES = 3
/** Beyond this many differing lines the search is given up: quadratic time and memory. */
const MAX_DIFFERENCES = 500
const NO_NEWLINE = '\\ No newline at end of file'

/**
 * The hunks of a unified diff (as GNU `diff -u` and `patch` have them), without the file headers.
 *
 * A program of ours instead of `diff`, because both texts are the attacker's: nothing is parsed by
 * a C program with the supervisor's rights. Texts that differ in more than 500 lines are shown as
 * one removal and one addition.
 *
 * @see Myers, "An O(ND) Difference Algorithm and Its Variations", 1986
 */
export function unifiedDiff(before: string, after: string): string {
  if (before === after) return ''
  return hunks(edits(splitLines(before), splitLines(after)))
}

/** Each line with its newline; the last one may lack it. */
function splitLines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? []
}

function edits(before: readonly string[], after: readonly string[]): Edit[] {
  const head = commonPrefix(before, after)
  const tail = commonPrefix(before.slice(head).toReversed(), after.slice(head).toReversed())
  const old = before.slice(head, before.length - tail)
  const fresh = after.slice(head, after.length - tail)
  return [
    ...before.slice(0, head).map(keep),
    ...(shortestEdit(old, fresh) ?? [...old.map(remove), ...fresh.map(add)]),
    ...before.slice(before.length - tail).map(keep),
  ]
}

function commonPrefix(a: readonly string[], b: readonly string[]): number {
  const limit = Math.min(a.length, b.length)
  let length = 0
  while (length < limit && a[length] === b[length]) length++
  return length
}

const keep = (line: string): Edit => ({ kind: ' ', line })
const remove = (line: string): Edit => ({ kind: '-', line })
const add = (line: string): Edit => ({ kind: '+', line })

/** @returns undefined when more than {@link MAX_DIFFERENCES} lines differ */
function shortestEdit(old: readonly string[], fresh: readonly string[]): Edit[] | undefined {
  const furthest: Furthest = new Map([[1, 0]])
  const rounds: Furthest[] = []
  for (let d = 0; d <= Math.min(MAX_DIFFERENCES, old.length + fresh.length); d++) {
    rounds.push(new Map(furthest))
    for (let k = -d; k <= d; k += 2) {
      let x = arrive(furthest, k, d).x
      while (x < old.length && x - k < fresh.length && old[x] === fresh[x - k]) x++
      furthest.set(k, x)
      if (x >= old.length && x - k >= fresh.length) return backtrack(rounds, old, fresh)
    }
  }
  return undefined
}

/** By diagonal (lines taken of the old text, less those of the new): how far the old one got. */
type Furthest = Map<number, number>

/** Where a path first touches diagonal k: down from k+1 by an insertion, or right from k−1. */
function arrive(furthest: Furthest, k: number, d: number): { insertion: boolean; x: number } {
  const down = furthest.get(k + 1) ?? -1
  const right = furthest.get(k - 1) ?? -1
  const insertion = k === -d || (k !== d && right < down)
  return { insertion, x: insertion ? down : right + 1 }
}

function backtrack(
  rounds: readonly Furthest[],
  old: readonly string[],
  fresh: readonly string[],
): Edit[] {
  const reversed: Edit[] = []
  let x = old.length
  let k = old.length - fresh.length
  rounds.toReversed().forEach((furthest, i) => {
    const d = rounds.length - 1 - i
    const { insertion, x: arrived } = arrive(furthest, k, d)
    while (x > arrived) reversed.push(keep(old[--x] ?? ''))
    if (d === 0) return
    if (insertion) reversed.push(add(fresh[x - k - 1] ?? ''))
    else reversed.push(remove(old[--x] ?? ''))
    k += insertion ? 1 : -1
  })
  return reversed.toReversed()
}

function hunks(all: readonly Edit[]): string {
  return ranges(all)
    .map(([from, to]) => hunk(all, from, to))
    .join('')
}

/** Stretches of changes with their context, joined where the context meets. */
function ranges(all: readonly Edit[]): [from: number, to: number][] {
  const found: [number, number][] = []
  all.forEach(({ kind }, i) => {
    if (kind === ' ') return
    const from = Math.max(0, i - CONTEXT_LINES)
    const to = Math.min(all.length, i + CONTEXT_LINES + 1)
    const last = found.at(-1)
    if (last !== undefined && from <= last[1]) last[1] = to
    else found.push([from, to])
  })
  return found
}

function hunk(all: readonly Edit[], from: number, to: number): string {
  const edited = all.slice(from, to)
  const oldStart = count(all.slice(0, from), '+')
  const newStart = count(all.slice(0, from), '-')
  const header = `@@ -${span(oldStart, count(edited, '+'))} +${span(newStart, count(edited, '-'))} @@\n`
  return header + edited.map(render).join('')
}

/** Lines that are not only in the other text. */
function count(some: readonly Edit[], other: Edit['kind']): number {
  return some.filter(({ kind }) => kind !== other).length
}

/** An empty range names the line before it. */
function span(skipped: number, lines: number): string {
  const start = lines === 0 ? skipped : skipped + 1
  return lines === 1 ? `${start}` : `${start},${lines}`
}

function render({ kind, line }: Edit): string {
  return line.endsWith('\n') ? kind + line : `${kind}${line}\n${NO_NEWLINE}\n`
}
