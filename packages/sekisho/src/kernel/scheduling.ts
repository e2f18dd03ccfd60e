import { readdirSync } from 'node:fs'
import { bindFunction } from './libc.ts'

const SYS_SCHED_SETATTR = 314
const SYS_SCHED_GETATTR = 315
/** struct sched_attr, version 1: size, policy, flags, nice, priority, runtime, … */
const ATTR_BYTES = 56
const NICE_AT = 16
const RUNTIME_AT = 24

const schedSetattr = bindFunction<[number: number, pid: number, attr: Uint8Array, flags: number]>(
  'long syscall(long, long, void *, long)',
)
const schedGetattr = bindFunction<
  [number: number, pid: number, attr: Uint8Array, size: number, flags: number]
>('long syscall(long, long, void *, long, long)')

/**
 * Sets how long every thread of a process may run at a time; its share stays the same. A shorter
 * slice than the others' gets the processor as soon as there is something to do, where a thread
 * with the usual one waits up to a tick (4 ms) for a busy neighbour. Threads made later inherit it.
 *
 * @param sliceMicros 100 to 100,000; Linux before 6.12 takes it and does nothing
 * @returns whether all threads have it: a user namespace may not set it for another user
 * @see sched_setattr(2)
 */
export function setTimeSlice(pid: number, sliceMicros: number): boolean {
  const threads = readdirSync(`/proc/${pid}/task`).map(Number)
  return threads.every((thread) => setForThread(thread, sliceMicros))
}

/** Microseconds; 0 before Linux 6.12. @throws SekishoError for a thread that is not there */
export function timeSliceOf(thread: number): number {
  return Number(attributesOf(thread).readBigUInt64LE(RUNTIME_AT) / 1000n)
}

function setForThread(thread: number, sliceMicros: number): boolean {
  const attributes = Buffer.alloc(ATTR_BYTES)
  attributes.writeUInt32LE(ATTR_BYTES, 0)
  attributes.writeInt32LE(attributesOf(thread).readInt32LE(NICE_AT), NICE_AT)
  attributes.writeBigUInt64LE(BigInt(sliceMicros) * 1000n, RUNTIME_AT)
  return schedSetattr.attempt(SYS_SCHED_SETATTR, thread, attributes, 0) === 0
}

function attributesOf(thread: number): Buffer {
  const attributes = Buffer.alloc(ATTR_BYTES)
  schedGetattr(SYS_SCHED_GETATTR, thread, attributes, ATTR_BYTES, 0)
  return attributes
}
