/** Frame types of RFC 9113 §6. */
export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const

export type FrameSeen = {
  type: number
  flags: number
  /** of the payload */
  length: number
  stream: number
  /** of RST_STREAM and GOAWAY */
  code: number | undefined
}

/** The client's connection preface is this long (RFC 9113 §3.4). */
const PREFACE_BYTES = 24
const HEADER_BYTES = 9
/** Bytes of payload up to and with the error code. */
const CODE_ENDS: Readonly<Record<number, number>> = { [FRAME.rstStream]: 4, [FRAME.goaway]: 8 }

/** Sees the frames of one direction go by; the parser that acts on them is nghttp2. */
export class FrameReader {
  readonly #see: (frame: FrameSeen) => void
  readonly #header = Buffer.alloc(HEADER_BYTES + 8)
  #filled = 0
  #skip: number

  constructor(options: { hasPreface: boolean }, see: (frame: FrameSeen) => void) {
    this.#see = see
    this.#skip = options.hasPreface ? PREFACE_BYTES : 0
  }

  push(bytes: Buffer): void {
    let at = 0
    while (at < bytes.length) {
      const skipped = Math.min(this.#skip, bytes.length - at)
      this.#skip -= skipped
      at += skipped
      if (at < bytes.length) at = this.#fill(bytes, at)
    }
  }

  #fill(bytes: Buffer, from: number): number {
    const wanted = this.#wanted()
    const taken = bytes.copy(this.#header, this.#filled, from, from + wanted - this.#filled)
    this.#filled += taken
    if (this.#filled === this.#wanted()) this.#finish()
    return from + taken
  }

  #wanted(): number {
    if (this.#filled < HEADER_BYTES) return HEADER_BYTES
    return (
      HEADER_BYTES + Math.min(CODE_ENDS[this.#header[3] ?? 0] ?? 0, this.#header.readUIntBE(0, 3))
    )
  }

  #finish(): void {
    const header = this.#header
    const length = header.readUIntBE(0, 3)
    const type = header.readUInt8(3)
    const inHeader = this.#filled - HEADER_BYTES
    const end = CODE_ENDS[type]
    this.#see({
      type,
      flags: header.readUInt8(4),
      length,
      stream: header.readUInt32BE(5) & 0x7fff_ffff,
      code:
        end === undefined || inHeader < end
          ? undefined
          : header.readUInt32BE(HEADER_BYTES + end - 4),
    })
    this.#filled = 0
    this.#skip = length - inHeader
  }
}

/** Chatter that a connection may have had beyond what its work explains. */
const CREDIT = 1_000
const CREDIT_PER_SECOND = 20
const MAX_CREDIT = 2_000

/** What a frame from the agent costs that carries nothing; the rest earn one each. */
const COST: Readonly<Record<number, number>> = {
  [FRAME.priority]: 1,
  [FRAME.rstStream]: 4,
  [FRAME.settings]: 10,
  [FRAME.ping]: 1,
  [FRAME.windowUpdate]: 0.25,
}
const COST_OF_NOTHING = 4
const UNKNOWN_COST = 1
const MAX_KNOWN = 9
const ACK = 0x1

/**
 * Bounds the frames of one connection that make work and carry nothing, by those that do carry
 * something: rapid reset (CVE-2023-44487), PING, SETTINGS, PRIORITY, WINDOW_UPDATE and empty frame
 * floods (CVE-2019-9511 to 9518). A client that uploads, downloads or asks earns what it needs.
 */
export class FrameBudget {
  readonly #now: () => number
  #credit = CREDIT
  #since: number

  /** @param now Unix ms */
  constructor(now: () => number) {
    this.#now = now
    this.#since = now()
  }

  /** false when the agent has gone too far */
  incoming({ type, flags, length }: FrameSeen): boolean {
    if ((type === FRAME.settings || type === FRAME.ping) && (flags & ACK) !== 0)
      return this.#spend(0.25)
    const cost = COST[type] ?? (type > MAX_KNOWN ? UNKNOWN_COST : undefined)
    if (cost !== undefined) return this.#spend(cost)
    if (length === 0 && (flags & ACK) === 0) return this.#spend(COST_OF_NOTHING)
    this.#earn(1)
    return true
  }

  /** A reply explains window updates and pings. */
  outgoing({ type, length }: FrameSeen): void {
    if (type === FRAME.data && length > 0) this.#earn(1)
  }

  #earn(credit: number): void {
    this.#credit = Math.min(MAX_CREDIT, this.#credit + credit)
  }

  #spend(cost: number): boolean {
    this.#credit -= cost
    if (this.#credit >= 0) return true
    const now = this.#now()
    const earned = ((now - this.#since) / 1_000) * CREDIT_PER_SECOND
    this.#since = now
    this.#earn(earned)
    return this.#credit >= 0
  }
}
