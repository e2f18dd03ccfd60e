import type { Terminal } from './command.ts'

const used = new Set<NodeJS.WriteStream>()

/** All output of the command line goes through here. */
export const terminal: Terminal = {
  out: (line) => write(process.stdout, line),
  err: (line) => write(process.stderr, line),
}

/** To stdout as they are: for a file or another program, never for a terminal. */
export function writeBytes(bytes: Uint8Array): void {
  use(process.stdout).write(bytes)
}

function write(stream: NodeJS.WriteStream, line: string): void {
  use(stream).write(`${line}\n`)
}

function use(stream: NodeJS.WriteStream): NodeJS.WriteStream {
  if (!used.has(stream)) stream.on('error', () => undefined) // the reader has left, as `head` does
  used.add(stream)
  return stream
}

/** Resolves when all is handed on: an exit before that cuts what a slow reader still waits for. */
export async function flush(): Promise<void> {
  for (const stream of used) {
    await new Promise<void>((resolve) => void stream.write('', () => resolve()))
  }
}

/**
 * Untrusted text with its control and format characters (escape sequences, turns of direction,
 * what takes no room) and line separators shown as escapes: no log line may drive the terminal.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    const hex = (character.codePointAt(0) ?? 0).toString(16)
    return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex.padStart(4, '0')}`
  })
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
