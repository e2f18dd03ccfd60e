import { type Argument, call, callInChild, callWords, type Words, wordsOf } from './native.ts'

/** What the host tells the battery about the sandbox that it should find itself in. */
export type Given = {
  /** whether the host's kernel runs the system calls, and not one of the sandbox's own */
  hostKernel: boolean
  hostname: string
  machineId: string
  /** boot id of the host */
  bootId: string
  /** what the OOM score cannot be lowered below: the session's own where the host could pin it */
  oomFloor: number
  /** names of the whole environment */
  environment: readonly string[]
  limits: {
    memoryBytes: number
    pids: number
    openFiles: number
    tmpBytes: number
    tmpInodes: number
  }
  canary: Canary
}

/** Planted on the host. Nothing inside should find any of it. */
export type Canary = {
  /** listens on all of the host's addresses, TCP and UDP */
  port: number
  addresses: readonly string[]
  /** what to send, by which the canary tells one sandbox from another */
  word: string
  abstractSocket: string
  sockets: readonly string[]
  /** absolute host paths, readable by everybody there */
  files: readonly string[]
  /** System V key of a segment, a queue and a semaphore set */
  ipcKey: number
  /** POSIX message queue, with its slash */
  queue: string
}

export type Finding = {
  /** null: it could not be tried */
  held: boolean | null
  detail: string
  /** calls that the platform must have recorded, where it records at all */
  refused?: readonly Words[]
}

export type Probe = (given: Given) => Finding | Promise<Finding>
export type Probes = Readonly<Record<string, Probe>>

/** Name of a negated errno, for the reader. */
export function told(value: number | null): string {
  if (value === null) return 'killed'
  return value >= 0 ? `returned ${value}` : `errno ${-value}`
}

/** A call that must be refused and recorded, made by the battery itself. */
export function refused(nr: number, ...args: Argument[]): Probe {
  return () => {
    const words = wordsOf(nr, args)
    const value = callWords(words)
    return { held: value < 0, detail: told(value), refused: [words] }
  }
}

/** The same in a child, for a call that would change the caller. */
export function refusedInChild(nr: number, ...args: Argument[]): Probe {
  return () => {
    const words = wordsOf(nr, args)
    const { values, refused: noChild } = callInChild([words])
    if (noChild < 0) return { held: null, detail: `no child: ${told(noChild)}` }
    const value = values[0] ?? null
    return { held: value === null || value < 0, detail: told(value), refused: [words] }
  }
}

/** All of them must be refused and recorded. */
export function allRefused(calls: readonly (readonly [nr: number, ...args: Argument[]])[]): Probe {
  return () => {
    const words = calls.map(([nr, ...args]) => wordsOf(nr, args))
    const values = words.map(callWords)
    const through = values.filter((value) => value >= 0)
    return { held: through.length === 0, detail: values.map(told).join(', '), refused: words }
  }
}

const ENOSYS = -38

/** A call outside the list: to a program it must look as if the kernel did not have it. */
export function unknown(nr: number, ...args: Argument[]): Probe {
  return ({ hostKernel }) => {
    const { values, signal } = callInChild([wordsOf(nr, args)])
    const value = values[0] ?? null
    const held = hostKernel ? value === ENOSYS : value === null || value < 0
    return { held, detail: `${told(value)}${signal === 0 ? '' : `, signal ${signal}`}` }
  }
}

/** A call that must fail, with no record asked for; `held` tells which errors count. */
export function fails(nr: number, ...args: Argument[]): Probe {
  return () => {
    const value = call(nr, ...args)
    return { held: value < 0, detail: told(value) }
  }
}

/** An act of Node's that must throw; what it returns is said when it does not. */
export function throws(act: (given: Given) => unknown): Probe {
  return (given) => {
    try {
      return { held: false, detail: `went through: ${String(act(given)).slice(0, 200)}` }
    } catch (error) {
      return { held: true, detail: codeOf(error) }
    }
  }
}

/** A fact about the sandbox: `undefined` when all is well, otherwise what is not. */
export function fact(check: (given: Given) => string | undefined): Probe {
  return (given) => {
    try {
      const fault = check(given)
      return { held: fault === undefined, detail: fault ?? '' }
    } catch (error) {
      return { held: null, detail: codeOf(error) }
    }
  }
}

/** For what is a property of the host's kernel: one of the sandbox's own has its own. */
export function ofHost(probe: Probe): Probe {
  return (given) => (given.hostKernel ? probe : untried('of the sandbox’s own kernel'))(given)
}

/** What cannot be tried, and why. */
export function untried(detail: string): Probe {
  return () => ({ held: null, detail })
}

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
