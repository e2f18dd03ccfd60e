import { SekishoError } from '../core/error.ts'
import type { Lookup } from './resolver.ts'

type Bounds = {
  /** from the call on, waiting for its turn included */
  timeoutMs: number
  /** questions under way; one that nobody waits for any more still is */
  maxAtOnce: number
  /** callers that wait for their turn; one more is refused at once */
  maxWaiting: number
}

/**
 * A lookup that answers in time or fails, however many names are asked for at once.
 *
 * The system's resolver cannot be cancelled and holds a thread until it gives up, so a question
 * keeps its place until it is really over: names that never resolve cannot take every thread.
 */
export function boundLookup(lookup: Lookup, bounds: Bounds): Lookup {
  const { timeoutMs, maxAtOnce, maxWaiting } = bounds
  const waiting = new Set<() => void>()
  let underWay = 0
  const next = (): void => {
    if (underWay >= maxAtOnce) return
    const [begin] = waiting
    if (begin === undefined) return
    waiting.delete(begin)
    underWay += 1
    begin()
  }
  const over = (): void => {
    underWay -= 1
    next()
  }
  return (host) =>
    new Promise((resolve, reject) => {
      if (waiting.size >= maxWaiting)
        return reject(failure(host, 'too many names are being resolved'))
      const begin = (): void => {
        lookup(host)
          .then(resolve, reject)
          .finally(() => {
            clearTimeout(timer)
            over()
          })
      }
      const timer = setTimeout(() => {
        waiting.delete(begin)
        reject(failure(host, `no answer in ${timeoutMs} ms`))
      }, timeoutMs)
      waiting.add(begin)
      next()
    })
}

function failure(host: string, why: string): SekishoError {
  return new SekishoError('UPSTREAM_FAILED', `${host} does not resolve: ${why}`, {
    hint: "see that the host's own resolver answers, or set dnsServers in platform.yaml",
  })
}
