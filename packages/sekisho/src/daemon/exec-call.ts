import { closeSync, openSync, readFileSync, readSync } from 'node:fs'

/** What a thread asked the kernel to execute: its own words, which it can change as we read. */
export type ExecCall = {
  argv: readonly string[]
  /** how many arguments `argv` leaves out at its end */
  argvOmitted: number
}

/** Together they and the path stay below a leaf of 65,535 bytes, were every character an escape. */
const MAX_ARGV_BYTES = 4096
const MAX_ARGUMENT_BYTES = 1024
const MAX_ARGUMENTS = 64
/** What is counted of a long array: the kernel takes more, no reader needs to know how many. */
const MAX_POINTERS = 4096
const POINTER_BYTES = 8
const PAGE_BYTES = 4096
const SYS_EXECVE = 59
const SYS_EXECVEAT = 322
const UNKNOWN: ExecCall = { argv: [], argvOmitted: 0 }

/**
 * Reads the arguments of an execve(2) or execveat(2) out of the thread that waits in it, before
 * the new program has any: /proc/<tid>/syscall has the registers. All of it is memory that the
 * caller can change at any time, so it is for the record and for alarms, never what a decision
 * rests on.
 *
 * A read does not wait for the caller: its system call filter lets it make no memory of which a
 * page could stay out (userfaultfd, FUSE).
 */
export function readExecCall(tid: number): ExecCall {
  try {
    const argv = argvPointer(readFileSync(`/proc/${tid}/syscall`, 'latin1'))
    if (argv === undefined) return UNKNOWN
    const memory = openSync(`/proc/${tid}/mem`, 'r')
    try {
      return readArguments(memory, argv)
    } finally {
      closeSync(memory)
    }
  } catch {
    return UNKNOWN // it has died, or its memory cannot be read: the exec is recorded without
  }
}

/** proc_pid_syscall(5): number, then six registers, hexadecimal. */
function argvPointer(registers: string): number | undefined {
  const [number, ...args] = registers.split(' ')
  const at = { [SYS_EXECVE]: 1, [SYS_EXECVEAT]: 2 }[Number(number)]
  const pointer = at === undefined ? Number.NaN : Number(args[at])
  return Number.isSafeInteger(pointer) && pointer > 0 ? pointer : undefined
}

function readArguments(memory: number, at: number): ExecCall {
  const pointers = readPointers(memory, at)
  const window = new Window(memory)
  const argv: string[] = []
  let bytes = 0
  for (const pointer of pointers.slice(0, MAX_ARGUMENTS)) {
    const text = window.textAt(pointer)
    bytes += Buffer.byteLength(text)
    if (bytes > MAX_ARGV_BYTES) break
    argv.push(text)
  }
  return { argv, argvOmitted: pointers.length - argv.length }
}

function readPointers(memory: number, at: number): number[] {
  const first = pointersIn(readSome(memory, at, (MAX_ARGUMENTS + 1) * POINTER_BYTES))
  if (first.ended) return first.pointers
  return pointersIn(readSome(memory, at, MAX_POINTERS * POINTER_BYTES)).pointers
}

function pointersIn(bytes: Buffer): { pointers: number[]; ended: boolean } {
  const pointers: number[] = []
  for (let at = 0; at + POINTER_BYTES <= bytes.length; at += POINTER_BYTES) {
    const pointer = Number(bytes.readBigUInt64LE(at))
    if (pointer === 0) return { pointers, ended: true }
    pointers.push(pointer)
  }
  return { pointers, ended: false }
}

/** Arguments mostly lie close together: one read serves many. */
class Window {
  readonly #memory: number
  #start = 0
  #bytes: Buffer = Buffer.alloc(0)

  constructor(memory: number) {
    this.#memory = memory
  }

  /** Of a long one the beginning, with an ellipsis for the rest. */
  textAt(pointer: number): string {
    return decode(this.#inside(pointer) ?? this.#around(pointer))
  }

  #inside(pointer: number): Buffer | undefined {
    const from = pointer - this.#start
    if (from < 0 || from >= this.#bytes.length) return undefined
    const end = this.#bytes.indexOf(0, from)
    return end === -1 ? undefined : this.#bytes.subarray(from, end)
  }

  #around(pointer: number): Buffer {
    this.#start = pointer
    this.#bytes = readSome(this.#memory, pointer, PAGE_BYTES)
    const end = this.#bytes.indexOf(0)
    return end === -1 ? this.#bytes : this.#bytes.subarray(0, end)
  }
}

function decode(bytes: Buffer): string {
  if (bytes.length <= MAX_ARGUMENT_BYTES) return bytes.toString('utf8')
  const shown = bytes.subarray(0, MAX_ARGUMENT_BYTES - 4).toString('utf8')
  return `${shown}…`
}

/** What can be read from there on; a page that is not mapped ends it. */
function readSome(memory: number, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  try {
    return bytes.subarray(0, readSync(memory, bytes, 0, length, at))
  } catch {
    return bytes.subarray(0, 0) // EIO, EFAULT: nothing is mapped there
  }
}
