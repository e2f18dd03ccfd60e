/** V8's flags for the heaps of children. Compiled code is kept per set of flags: `scripts/compile-children.ts`. */

export const COMMON_HEAP = ['--max-old-space-size=512']

/**
 * A request in flight outlives a collection of V8's default young generation and so ages into the
 * old one, which then is marked and compacted ten times a second. This much room ends that: 110 µs
 * of CPU a request become 65, and the p99 at 16 connections falls from 13 ms to 5. Once per process.
 *
 * Bodies stand outside of V8's heap. By themselves they have a limit of their own, 64 MiB of new ones,
 * after which all of the heap is marked: five times a second with model calls of 52 KB, 40 % of the
 * gate's CPU. Counted with the heap, whose limit they do not reach, they go with the young objects that
 * hold them: 1.75 ms of CPU a call become 1.1, the p99 falls from 42 ms to 20.
 */
export const GATE_HEAP = [
  '--min-semi-space-size=32',
  '--max-semi-space-size=64',
  '--initial-old-space-size=128',
  '--external-memory-accounted-in-global-limit',
]

/**
 * As the gate's, for half as much: what a record goes through outlives collections of a small young
 * generation too, and then all is marked. A tenth of the keyholder's CPU under load.
 */
export const KEYHOLDER_HEAP = [
  '--min-semi-space-size=16',
  '--max-semi-space-size=32',
  '--initial-old-space-size=64',
  '--external-memory-accounted-in-global-limit',
]
