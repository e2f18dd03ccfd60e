import { printable } from '../problem.ts'

const WIDTH = 96

/** Lines that begin with `#`, broken between words; a list item's further lines are indented. */
export function comment(paragraphs: readonly string[]): string {
  return paragraphs.map((text) => wrap(text)).join('')
}

function wrap(text: string): string {
  const indent = text.startsWith('- ') ? '  ' : ''
  const lines: string[] = ['']
  for (const word of printable(text, 4096).split(' ')) {
    const line = lines.at(-1) ?? ''
    const isFull = line.length > indent.length && line.length + word.length + 1 > WIDTH
    if (isFull) lines.push(`${indent}${word}`)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines.map((line) => `# ${line}`.trimEnd() + '\n').join('')
}

/** `a, b, c and 4 more` */
export function shorten(items: readonly string[], most = 6): string {
  const unique = [...new Set(items)]
  const more = unique.length - most
  return unique.slice(0, most).join(', ') + (more > 0 ? ` and ${more} more` : '')
}
