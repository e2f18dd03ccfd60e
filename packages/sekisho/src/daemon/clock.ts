/** Time as a state machine sees it; tests turn it by hand. */
export type Clock = {
  /** monotonic */
  nowMs(): number
  /** @returns a function that calls it off */
  after(ms: number, act: () => void): () => void
  every(ms: number, act: () => void): () => void
}

export const SYSTEM_CLOCK: Clock = {
  nowMs: () => performance.now(),
  after: (ms, act) => {
    const timer = setTimeout(act, ms)
    return () => clearTimeout(timer)
  },
  every: (ms, act) => {
    const timer = setInterval(act, ms)
    return () => clearInterval(timer)
  },
}
