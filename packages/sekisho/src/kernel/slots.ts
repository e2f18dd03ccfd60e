/** Counts what is in flight, so that a flood waits in the kernel's queue instead of in our memory. */
export type Slots = {
  free(): number
  take(): void
  release(): void
  /** resolves when a slot is free; with several waiters, all of them */
  whenFree(): Promise<void>
}

export function createSlots(limit: number): Slots {
  let taken = 0
  let waiting: (() => void)[] = []
  return {
    free: () => limit - taken,
    take: () => {
      taken += 1
    },
    release: () => {
      taken -= 1
      const woken = waiting
      waiting = []
      for (const wake of woken) wake()
    },
    whenFree: () =>
      taken < limit ? Promise.resolve() : new Promise((resolve) => void waiting.push(resolve)),
  }
}
