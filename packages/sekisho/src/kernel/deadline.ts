import { SekishoError } from '../core/error.ts'

/**
 * Passes the work's outcome on, or gives up on it; the work itself is not stopped.
 *
 * @throws SekishoError TIMEOUT after `timeoutMs`, or what the work rejects with
 */
export async function within<Value>(
  timeoutMs: number,
  what: string,
  work: Promise<Value>,
): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new SekishoError('TIMEOUT', `${what} took more than ${timeoutMs} ms`)),
      timeoutMs,
    )
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
