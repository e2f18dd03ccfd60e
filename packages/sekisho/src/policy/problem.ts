import { SekishoError } from '../core/error.ts'

/** One thing that is wrong with a file, found by path; its line comes from the document. */
export type Problem = {
  /** keys and indexes from the top; the empty path is the whole file */
  path: readonly PropertyKey[]
  /** whether to point at the key or at its value */
  at: 'key' | 'value'
  message: string
  hint?: string | undefined
}

/** 1-based, as editors count */
export type Position = { line: number; column: number }

export type Located = Position & { message: string; hint?: string | undefined }

/** What a reader of one value found: the value, or why there is none. */
export type Read<T> = { value: T } | { problem: string; hint?: string | undefined }

/** More than this helps nobody; the rest shows after the first are mended. */
const MAX_SHOWN = 10

/** CONFIG_INVALID with one line a problem, in the order of the file; a lone problem's hint apart. */
export function configInvalid(file: string, problems: readonly Located[]): SekishoError {
  const sorted = problems.toSorted((a, b) => a.line - b.line || a.column - b.column)
  const lines = sorted.slice(0, MAX_SHOWN).map(({ line, column, message, hint }) => {
    const inline = problems.length === 1 || hint === undefined ? '' : ` (${hint})`
    return `${file}:${line}:${column}: ${message}${inline}`
  })
  if (sorted.length > MAX_SHOWN) lines.push(`and ${sorted.length - MAX_SHOWN} more`)
  return new SekishoError('CONFIG_INVALID', lines.join('\n'), {
    hint: problems.length === 1 ? problems[0]?.hint : `correct ${file} in these places`,
  })
}

/** One thing that is wrong with a bundle, which is of several files. */
export type FileProblem = Located & {
  /** path below the bundle's directory */
  file: string
}

/** CONFIG_INVALID with one line a problem, by file and place; a lone problem's hint apart. */
export function bundleInvalid(problems: readonly FileProblem[]): SekishoError {
  const sorted = sortProblems(problems)
  const lone = sorted.length === 1
  const lines = sorted
    .slice(0, MAX_SHOWN)
    .map(({ hint, ...problem }) => describeProblem(lone ? problem : { ...problem, hint }))
  if (sorted.length > MAX_SHOWN) lines.push(`and ${sorted.length - MAX_SHOWN} more`)
  return new SekishoError('CONFIG_INVALID', lines.join('\n'), {
    hint: lone ? sorted[0]?.hint : 'correct the bundle in these places',
  })
}

/** `defaults.cedar:3:7: unknown action … (did you mean …?)` */
export function describeProblem({ file, line, column, message, hint }: FileProblem): string {
  return `${file}:${line}:${column}: ${message}${hint === undefined ? '' : ` (${hint})`}`
}

export function sortProblems<P extends FileProblem>(problems: readonly P[]): readonly P[] {
  return problems.toSorted(
    (a, b) =>
      (a.file === b.file ? 0 : a.file < b.file ? -1 : 1) || a.line - b.line || a.column - b.column,
  )
}

/** `rules[0].methods[1]` */
export function describePath(path: readonly PropertyKey[]): string {
  let text = ''
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`
    else text += text === '' ? String(part) : `.${String(part)}`
  }
  return text
}

/** Text from a file or from an agent, made safe to print on one line and not too long. */
export function printable(text: string, maxLength = 128): string {
  const shown = text.slice(0, maxLength).replace(/[^\x20-\x7e]/gu, escapeCharacter)
  return text.length > maxLength ? `${shown}…` : shown
}

function escapeCharacter(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
}
