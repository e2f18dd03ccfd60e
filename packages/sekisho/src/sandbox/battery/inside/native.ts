import { createRequire } from 'node:module'

/** Where the attacker's own tools are mounted, read-only. */
const TOOLS = '/opt/battery/lib/'

type Foreign = (...args: unknown[]) => number | bigint
type Koffi = {
  load(name: string): { func(signature: string): Foreign }
  proto(definition: string): unknown
  call(address: bigint, type: unknown, ...args: unknown[]): number | bigint
  address(buffer: Uint8Array): bigint
  errno(): number
}

/** Inside the sandbox the attacker has its own way to make any system call. */
const koffi: Koffi = createRequire(TOOLS)('koffi')
const library = koffi.load('libc.so.6')
const rawSyscall = library.func('long syscall(long, long, long, long, long, long, long)')
const copy = library.func('int64_t memcpy(int64_t, int64_t, size_t)')

export type Argument = number | bigint | string | Uint8Array

/** A number and six arguments as registers hold them, for a record to be recognised by. */
export type Words = readonly bigint[]

const kept: Uint8Array[] = []

/** Strings become C strings, buffers their addresses; both stay where they are until the end. */
export function wordsOf(nr: number, args: readonly Argument[]): Words {
  const words = [nr, ...args].map((argument) => {
    if (typeof argument === 'number' || typeof argument === 'bigint') return BigInt(argument)
    const buffer = typeof argument === 'string' ? Buffer.from(`${argument}\0`) : argument
    kept.push(buffer)
    return koffi.address(buffer)
  })
  while (words.length < 7) words.push(0n)
  return words.map((word) => BigInt.asIntN(64, word))
}

/** @returns the call's value, or the negated errno */
export function callWords(words: Words): number {
  const value = Number(rawSyscall(...words))
  return value === -1 ? -koffi.errno() : value
}

/** As {@link callWords}, from what a C programmer would write. */
export function call(nr: number, ...args: Argument[]): number {
  return callWords(wordsOf(nr, args))
}

/**
 * Forks, makes the calls of a table in the child, and ends it: nothing that an attempt changes
 * reaches the battery. rdi is the table, rsi its length, rdx 1 for `int 0x80`; a row is the number,
 * six arguments and room for the value. The parent gets the child's id.
 *
 * In machine code, because a forked JavaScript engine has lost its other threads.
 */
const FORK_AND_CALL = Buffer.from(
  [
    '5341544155 4889fb4989f44989d5', // push rbx, r12, r13; rbx = table, r12 = length, r13 = entry
    'b8390000000f05 4885c0754f', // fork; the parent is done
    '4d85e47441', // no more rows: exit_group(0)
    '488b034d85ed7527', // rax = number; r13 set: int 0x80
    '488b7b08488b7310488b53184c8b53204c8b43284c8b4b300f05', // six arguments; syscall
    '48894338', // the value into the row
    '4883c34049ffccebcc', // next row
    '53488b4b10488b5318488b5b08cd805bebe1', // ebx, ecx, edx; int 0x80
    '31ffb8e70000000f05', // exit_group(0)
    '415d415c5bc3', // the parent returns
  ]
    .join('')
    .replaceAll(' ', ''),
  'hex',
)

const ROW_BYTES = 64
const MAX_ROWS = 16
const SYS = { mmap: 9, alarm: 37, wait4: 61 } as const
const PROT = { readWrite: 3, all: 7 } as const
const MAP_SHARED_ANONYMOUS = 0x21
/** what a row holds until its call has returned */
const NEVER_RETURNED = -0x7fffn
/** a child that hangs dies of this */
const CHILD_TIMEOUT_S = 5

const entry = koffi.proto('long fork_and_call(int64_t, long, long)')
const code = shared(PROT.all)
const table = shared(PROT.readWrite)
copy(code, koffi.address(FORK_AND_CALL), FORK_AND_CALL.length)

function shared(protection: number): bigint {
  return BigInt(rawSyscall(SYS.mmap, 0, 4096, protection, MAP_SHARED_ANONYMOUS, -1, 0))
}

export type ChildEnd = {
  /** of each call, or null where the child did not come back from it */
  values: readonly (number | null)[]
  /** that ended the child; 0 for none */
  signal: number
  /** why there was no child at all, a negated errno; 0 otherwise */
  refused: number
}

/** Starts a child that makes these calls; its results are lost to the next {@link callInChild}. */
export function fork(rows: readonly Words[], entersBy: 'syscall' | 'int80' = 'syscall'): number {
  if (rows.length > MAX_ROWS) throw new Error(`${rows.length} calls in one child`)
  const bytes = Buffer.alloc(rows.length * ROW_BYTES)
  for (const [i, words] of rows.entries()) {
    for (const [j, word] of words.entries()) bytes.writeBigInt64LE(word, i * ROW_BYTES + j * 8)
    bytes.writeBigInt64LE(NEVER_RETURNED, i * ROW_BYTES + 56)
  }
  copy(table, koffi.address(bytes), bytes.length)
  return Number(koffi.call(code, entry, table, rows.length, entersBy === 'int80' ? 1 : 0))
}

/** Makes the calls in a child of their own, one after the other. */
export function callInChild(
  calls: readonly Words[],
  entersBy: 'syscall' | 'int80' = 'syscall',
): ChildEnd {
  const guard = entersBy === 'syscall' ? [wordsOf(SYS.alarm, [CHILD_TIMEOUT_S])] : []
  const rows = [...guard, ...calls]
  const child = fork(rows, entersBy)
  if (child < 0) return { values: calls.map(() => null), signal: 0, refused: child }
  const signal = waitFor(child)
  const bytes = Buffer.alloc(rows.length * ROW_BYTES)
  copy(koffi.address(bytes), table, bytes.length)
  const values = rows.map((_, i) => {
    const value = bytes.readBigInt64LE(i * ROW_BYTES + 56)
    return value === NEVER_RETURNED ? null : Number(value)
  })
  return { values: values.slice(guard.length), signal, refused: 0 }
}

/** @returns the signal that ended the child; 0 for none */
export function waitFor(child: number): number {
  const status = Buffer.alloc(8)
  call(SYS.wait4, child, status, 0, 0)
  return status.readUInt32LE(0) & 0x7f
}
