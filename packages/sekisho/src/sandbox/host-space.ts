import { statfsSync } from 'node:fs'
import { totalmem } from 'node:os'
import { SekishoError } from '../core/error.ts'

const MIB = 2 ** 20
/** The log must be writable whatever sessions do: without it nothing may leave any more. */
const MAX_MARGIN_BYTES = 1024 * MIB
const MARGIN_PART = 20
/** A session that cannot write as much is none. */
const START_BYTES = 64 * MIB
/** At 1.5 GB/s, which is what a page cache takes, half of the margin is written in a third of a second. */
const LOOK_EVERY_MS = 100

/** What the guard can do to a disk. */
export type Restrainable = {
  delayedBytes(): number
  holdBack(isHeldBack: boolean): void
  /** whoever writes much is not to stand before the log */
  beFair(): void
}

export type HostSpaceOptions = {
  /** whose file system holds the disks, and the log */
  directory: string
  /** what sessions leave free; by default the smaller of 1 GiB and a twentieth of the file system */
  marginBytes?: number
  warn: (line: string) => void
}

/**
 * Disks are promised more than the host has: 300 sessions of 10 GiB each may start on a disk of 100.
 * While one is in use this looks how much the host has left. Below the margin, no disk gets any
 * more: their writers see ENOSPC. Above it, with a quarter to spare, they go on.
 */
export class HostSpace {
  readonly #directory: string
  readonly #marginBytes: number
  readonly #warn: (line: string) => void
  readonly #disks = new Set<Restrainable>()
  #timer: NodeJS.Timeout | undefined
  #isShort = false
  #lastWarning = ''

  constructor({ directory, marginBytes, warn }: HostSpaceOptions) {
    this.#directory = directory
    this.#warn = warn
    const { blocks, bsize } = statfsSync(directory)
    const part = Math.floor((blocks * bsize) / MARGIN_PART)
    this.#marginBytes = marginBytes ?? Math.min(MAX_MARGIN_BYTES, part)
  }

  /** @throws SekishoError SANDBOX_FAILED when another disk of this size would not begin well */
  check(diskBytes: number): void {
    const free = this.#freeBytes()
    const needed = this.#marginBytes + Math.min(diskBytes, START_BYTES)
    if (free >= needed) return
    throw new SekishoError(
      'SANDBOX_FAILED',
      `no space for a session's disk: ${inMib(free)} MiB free below ${this.#directory}, of which ` +
        `${inMib(this.#marginBytes)} MiB are kept for the log`,
      { hint: 'remove old sessions with `sekisho rm --all-ended`, or free space' },
    )
  }

  add(disk: Restrainable): void {
    this.#disks.add(disk)
    if (this.#isShort) this.#orWarn(() => disk.holdBack(true))
    this.#timer ??= setInterval(() => this.#orWarn(() => this.#look()), LOOK_EVERY_MS).unref()
  }

  remove(disk: Restrainable): void {
    this.#disks.delete(disk)
    if (this.#disks.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #look(): void {
    for (const disk of this.#disks) this.#orWarn(() => disk.beFair())
    const free = this.#freeBytes()
    // no more than the memory can be owed to the disks: mostly nobody needs to be asked
    if (!this.#isShort && free > this.#marginBytes + totalmem()) return
    const left = free - this.#owedBytes()
    if (!this.#isShort && left < this.#marginBytes) this.#hold(true)
    else if (this.#isShort && left > this.#marginBytes * 1.25) this.#hold(false)
  }

  #hold(isShort: boolean): void {
    this.#isShort = isShort
    this.#warn(
      isShort
        ? `${this.#directory} is nearly full: sessions' disks take no more until there is space`
        : `${this.#directory} has space again: sessions' disks go on`,
    )
    for (const disk of this.#disks) this.#orWarn(() => disk.holdBack(isShort))
  }

  /** One disk that cannot be asked must not keep the others from being held; told once. */
  #orWarn(act: () => void): void {
    try {
      act()
    } catch (error) {
      const text = `a session's disk cannot be held back: ${String(error)}`
      if (text !== this.#lastWarning) this.#warn(text)
      this.#lastWarning = text
    }
  }

  #owedBytes(): number {
    let bytes = 0
    for (const disk of this.#disks) bytes += disk.delayedBytes()
    return bytes
  }

  #freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.#directory)
    return bavail * bsize
  }
}

function inMib(bytes: number): number {
  return Math.floor(bytes / MIB)
}
