import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * The inputs of one family that are tried every time: published bypasses, and what fuzzing found,
 * minimised. A JSON string a line; a line that begins with `#` says where the next ones are from.
 */
export function corpusOf(family: string): string[] {
  const path = join(import.meta.dirname, 'corpus', `${family}.txt`)
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => textOf(line, path))
}

function textOf(line: string, path: string): string {
  const value: unknown = JSON.parse(line)
  if (typeof value !== 'string') throw new TypeError(`${path}: no text: ${line}`)
  return value
}
