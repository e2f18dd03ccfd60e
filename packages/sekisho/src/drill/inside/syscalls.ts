import { createRequire } from 'node:module'

type Koffi = {
  load(name: string): { func(signature: string): (...args: unknown[]) => number | bigint }
  errno(): number
  address(buffer: Uint8Array): bigint
}

/** Inside the sandbox the attacker has its own way to make any system call. */
const koffi: Koffi = createRequire('/opt/drill/lib/')('koffi')

const rawSyscall = koffi
  .load('libc.so.6')
  .func('long syscall(long, long, long, long, long, long, long)')

export type Argument = number | bigint | string | Uint8Array

/** The call's value, or −1 with errno in the text. Strings are passed as C strings. */
export function syscall(nr: number, ...args: Argument[]): { value: number; errno: number } {
  const kept: Uint8Array[] = []
  const words = args.map((argument) => {
    if (typeof argument === 'number' || typeof argument === 'bigint') return BigInt(argument)
    const buffer = typeof argument === 'string' ? Buffer.from(`${argument}\0`) : argument
    kept.push(buffer)
    return koffi.address(buffer)
  })
  while (words.length < 6) words.push(0n)
  const value = Number(rawSyscall(nr, ...words))
  return { value, errno: value === -1 ? koffi.errno() : 0 }
}
