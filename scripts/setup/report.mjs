/** A reason why this machine cannot be set up, and what its owner can do about it. */
export class SetupError extends Error {
  /**
   * @param {string} message
   * @param {{ hint?: string, exitCode?: number, cause?: unknown }} [details]
   */
  constructor(message, { hint = '', exitCode = 1, cause } = {}) {
    super(message, { cause })
    this.name = 'SetupError'
    this.hint = hint
    this.exitCode = exitCode
  }
}

/** @param {string} line */
export function say(line) {
  process.stderr.write(`setup: ${line}\n`)
}

/**
 * Runs one long step and says how long it took.
 *
 * @template T
 * @param {string} what
 * @param {() => T} step
 * @returns {T}
 */
export function timed(what, step) {
  say(`${what} …`)
  const startedMs = performance.now()
  const result = step()
  say(`${what}: done in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`)
  return result
}

const EXCERPT_LINES = 16

/**
 * Beginning and end of a failed program's output, indented, for an error message: npm says first
 * what is wrong, apt says it last.
 *
 * @param {string} output
 */
export function excerptOf(output) {
  const lines = output.split('\n').filter((line) => line !== '' && !line.startsWith('npm warn'))
  const cut = lines.length > 2 * EXCERPT_LINES
  const shown = cut
    ? [...lines.slice(0, EXCERPT_LINES), '…', ...lines.slice(-EXCERPT_LINES)]
    : lines
  return shown.map((line) => `  ${line}`).join('\n')
}
