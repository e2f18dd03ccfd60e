import { setTimeout as pause } from 'node:timers/promises'

export type RefusedPolicy = { reason: string; hint: string | null }

/**
 * What becomes of the bundle that the platform is started with: control reads it only then, and
 * whoever starts the platform is to be told before they read that it is ready.
 */
export class FirstPolicy {
  readonly #known = Promise.withResolvers<RefusedPolicy | null>()

  /** Only the first of these two counts. */
  cameIntoForce(): void {
    this.#known.resolve(null)
  }

  wasRefused(refused: RefusedPolicy): void {
    this.#known.resolve(refused)
  }

  /** @returns lines that say why it is not in force, with what to do; none where it is */
  async describeRefusal(directory: string, timeoutMs: number): Promise<readonly string[]> {
    const stop = new AbortController()
    const late: RefusedPolicy = {
      reason: 'no generation is in force yet; until one is, no session begins',
      hint: 'see `sekisho policy status`',
    }
    const refused = await Promise.race([
      this.#known.promise,
      pause(timeoutMs, late, { signal: stop.signal }).catch(() => late),
    ])
    stop.abort()
    if (refused === null) return []
    const { reason, hint } = refused
    const [first = '', ...more] = reason.split('\n').map(printable)
    return [
      `  ${refused === late ? 'WAITING' : 'REFUSED'}   policy     ${directory}: ${first}`,
      ...more.map((line) => `${INDENT}${line}`),
      ...(hint === null ? [] : [`${INDENT}hint: ${printable(hint)}`]),
    ]
  }
}

const INDENT = ' '.repeat(23)

/** Control said it, of files that somebody else may have written: nothing of it moves the cursor. */
function printable(line: string): string {
  return line.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?')
}
