/**
 * One uid per kind of process, so that none can signal, trace or read another kind. Plain numbers
 * between the 16-bit ids that Debian and systemd hand out and systemd's container ranges (from
 * 524,288): nothing is added to /etc/passwd and nothing is left behind (docs/adr/0002-processes.md).
 */
export const UIDS = { keyholder: 70_901, control: 70_902, gate: 70_903, importer: 70_904 } as const

/** Ids per session: container ids 0–65535 are mapped to one block of this size on the host. */
const IDS_PER_SESSION = 65_536
/** Above systemd-nspawn's container range (0x00080000–0x6FFFFFFF). */
const FIRST_HOST_ID = 0x7000_0000
const SLOTS = 30_000

/**
 * Hands out a block of host ids that no running session of this instance has. A released block is
 * the next to be given again: what was prepared for it (an id-mapped namespace) still fits.
 */
export class HostIdBlocks {
  readonly #released: number[] = []
  #next: number
  #used = 0

  /** @param seed spreads instances of the platform on one machine over the range */
  constructor(seed: number) {
    this.#next = (seed * 61) % SLOTS
  }

  take(): number {
    const again = this.#released.pop()
    if (again !== undefined) return again
    if (this.#used >= SLOTS) throw new RangeError('every block of host ids is in use')
    const slot = this.#next
    this.#next = (slot + 1) % SLOTS
    this.#used += 1
    return FIRST_HOST_ID + slot * IDS_PER_SESSION
  }

  release(base: number): void {
    this.#released.push(base)
  }
}
