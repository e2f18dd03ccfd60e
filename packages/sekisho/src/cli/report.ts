import { ERRORS, toSekishoError } from '../core/error.ts'
import type { Terminal } from './command.ts'
import { printable } from './terminal.ts'

/**
 * Like docker's, the code of a wrapper that could not run the command is 125: the command's own
 * codes stay its own.
 */
const WRAPPER_FAILED = 125
const WRAPPERS: readonly string[] = ['run', 'restore', 'fork']

/** One clear error, one hint; the cause only where it says more. */
export function report(command: string, thrown: unknown, terminal: Terminal): number {
  const error = toSekishoError(thrown)
  terminal.err(`sekisho: ${error.code}: ${lines(error.message)}`)
  const cause = error.cause instanceof Error ? error.cause.message : ''
  if (cause !== '' && !error.message.includes(cause)) terminal.err(`cause: ${lines(cause)}`)
  if (error.hint !== undefined) terminal.err(`hint: ${lines(error.hint)}`)
  if (error.code === 'INTERNAL' && error.cause instanceof Error) {
    terminal.err(error.cause.stack ?? '')
  }
  if (WRAPPERS.includes(command) && error.code !== 'USAGE') return WRAPPER_FAILED
  return ERRORS[error.code].exit
}

function lines(text: string): string {
  return text.split('\n').map(printable).join('\n')
}
