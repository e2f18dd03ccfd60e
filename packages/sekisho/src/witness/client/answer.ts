import { parseSize, SIZE_TYPE } from '../request.ts'

/** What a witness said, before any of it is believed. */
export type Answer =
  /** signature lines, nobody's until they are verified */
  | { kind: 'lines'; lines: string }
  /** so many leaves it has cosigned of this log */
  | { kind: 'size'; size: number }
  | { kind: 'refused'; status: number; reason: string }
  | { kind: 'unreachable'; reason: string }

export type HttpAnswer = { status: number; type: string; body: string }

/** Its reason goes into a leaf of the log: so much of it, and no control character. */
const MAX_REASON = 200

/** The answer to an add-checkpoint request (C2SP tlog-witness). */
export function readAnswer({ status, type, body }: HttpAnswer): Answer {
  if (status === 200) return { kind: 'lines', lines: body }
  if (status === 409 && type === SIZE_TYPE) {
    const size = body.endsWith('\n') ? parseSize(body.slice(0, -1)) : undefined
    if (size !== undefined) return { kind: 'size', size }
  }
  const reason = `${status} ${printable(body)}`.trim()
  // its own trouble, and ours only in that nothing gets cosigned
  if (status >= 500 || status === 408 || status === 429) return { kind: 'unreachable', reason }
  return { kind: 'refused', status, reason }
}

function printable(text: string): string {
  const [line = ''] = text.split('\n')
  return line.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, MAX_REASON)
}
