/** Compared at first, twice as much each time: what differs early costs little to find. */
const FIRST_STEP_BYTES = 4096

/** How many bytes two buffers have in common at their beginning. */
export function commonPrefix(a: Buffer, b: Buffer): number {
  const most = Math.min(a.length, b.length)
  let from = 0
  for (let step = FIRST_STEP_BYTES; from < most; step *= 2) {
    const to = Math.min(from + step, most)
    if (a.compare(b, from, to, from, to) !== 0) return firstDifference(a, b, { from, to })
    from = to
  }
  return most
}

/** How many bytes two buffers have in common at their end. @param most of them */
export function commonSuffix(a: Buffer, b: Buffer, most: number): number {
  let done = 0
  for (let step = FIRST_STEP_BYTES; done < most; step *= 2) {
    const next = Math.min(done + step, most)
    if (!endsAlike(a, b, { done, next })) return lastDifference(a, b, { done, next })
    done = next
  }
  return most
}

/** memcmp(3) says that two differ, and which is greater, and not where: halves are compared. */
function firstDifference(a: Buffer, b: Buffer, range: { from: number; to: number }): number {
  let { from, to } = range
  while (to - from > 1) {
    const half = (from + to) >>> 1
    if (a.compare(b, from, half, from, half) === 0) from = half
    else to = half
  }
  return from
}

function lastDifference(a: Buffer, b: Buffer, range: { done: number; next: number }): number {
  let { done, next } = range
  while (next - done > 1) {
    const half = (done + next) >>> 1
    if (endsAlike(a, b, { done, next: half })) done = half
    else next = half
  }
  return done
}

/** Whether what stands between so many and so many bytes from the ends is the same. */
function endsAlike(a: Buffer, b: Buffer, { done, next }: { done: number; next: number }): boolean {
  return a.compare(b, b.length - next, b.length - done, a.length - next, a.length - done) === 0
}
