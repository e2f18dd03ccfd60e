import type { Terminal } from './command.ts'

const used = new Set<NodeJS.WriteStream>()

/** All output of the command line goes through here. */
export const terminal: Terminal = {
  out: (line) => write(process.stdout, line),
  err: (line) => write(process.stderr, line),
}

function write(stream: NodeJS.WriteStream, line: string): void {
  if (!used.has(stream)) stream.on('error', () => undefined) // the reader has left, as `head` does
  used.add(stream)
  stream.write(`${line}\n`)
}

/** Resolves when all is handed on: an exit before that cuts what a slow reader still waits for. */
export async function flush(): Promise<void> {
  for (const stream of used) {
    await new Promise<void>((resolve) => void stream.write('', () => resolve()))
  }
}

/** Control characters of untrusted text shown as escapes: no log line may drive the terminal. */
export function printable(text: string): string {
  return text.replace(
    // oxlint-disable-next-line no-control-regex -- these are what must not reach a terminal
    /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Columns as wide as their widest cell. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = []
  for (const row of rows) {
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, cell.length)
    })
  }
  return rows.map((row) =>
    row
      .map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}
