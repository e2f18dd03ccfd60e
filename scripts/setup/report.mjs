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

/**
 * The end of a failed program's output, indented, for an error message.
 *
 * @param {string} output
 */
export function tailOf(output) {
  const lines = output.trimEnd().split('\n').slice(-30)
  return lines.map((line) => `  ${line}`).join('\n')
}
