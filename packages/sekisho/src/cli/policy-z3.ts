import type { Ask } from '../prove/z3.ts'

/** What a proof is given: whom to ask, how long it may take, and the clock of that. */
export type Effort = { ask: Ask; timeoutMs: number; now: () => number }

/** z3 is 35 MB: a command that proves nothing does not load it. */
export async function withZ3<T>(
  timeoutMs: number,
  use: (effort: Effort) => Promise<T>,
): Promise<T> {
  const { Z3 } = await import('../prove/z3.ts')
  const z3 = await Z3.open()
  try {
    return await use({ ask: z3.ask, timeoutMs, now: () => performance.now() })
  } finally {
    await z3.close()
  }
}
