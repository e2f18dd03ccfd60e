import type { Appender } from './appenders.ts'

export type Load = { perSecond: number; latenciesMs: Float64Array }

/** So many callers, each with one record under way at any time, for so long. */
export async function load(
  appender: Appender,
  { callers, forMs }: { callers: number; forMs: number },
): Promise<Load> {
  const latencies: number[] = []
  const startedMs = performance.now()
  const call = async (caller: number): Promise<void> => {
    for (let turn = 0; performance.now() - startedMs < forMs; turn++) {
      const askedMs = performance.now()
      await appender.append(caller, turn)
      latencies.push(performance.now() - askedMs)
    }
  }
  await Promise.all(Array.from({ length: callers }, (_, caller) => call(caller)))
  const seconds = (performance.now() - startedMs) / 1000
  return { perSecond: latencies.length / seconds, latenciesMs: Float64Array.from(latencies) }
}
