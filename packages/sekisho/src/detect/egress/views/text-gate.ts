import type { ByteSink } from './byte-sink.ts'
import { GAP, NOTHING } from './view.ts'

/**
 * So many bytes of text in a row do not come about by chance often: 1 in 30,000 places. No shorter
 * secret is found two encodings deep.
 */
const MIN_TEXT_BYTES = 11
/** What is shown before and after them. */
const CONTEXT_BYTES = 64
/** What is shown again where something else came in between. */
const REPEATED_BYTES = 4_096
/** What must be kept to see that text began before: its context, and text not yet long enough. */
const KEPT_BYTES = CONTEXT_BYTES + MIN_TEXT_BYTES

/** 1: a byte of text by itself. NUL is one, for UTF-16. 2, 3, 4: begins a character of so many. */
const KINDS = new Uint8Array(256)
for (const byte of [0, 9, 10, 13]) KINDS[byte] = 1
KINDS.fill(1, 0x20, 0x7f)
KINDS.fill(2, 0xc2, 0xe0)
KINDS.fill(3, 0xe0, 0xf0)
KINDS.fill(4, 0xf0, 0xf5)

/** Also the bytes inside a character: 0x80 to 0xbf. */
const MAY_BE_TEXT = KINDS.map((kind, byte) => (kind > 0 || (byte & 0xc0) === 0x80 ? 1 : 0))

/** Several gates write to one sink; who wrote last is known, so that none cuts another's text. */
export type SharedSink = { sink: ByteSink; last: TextGate | undefined }

/** Lets text pass, with what stands around it, and drops what is noise: wrongly decoded, or binary. */
export class TextGate {
  readonly #shared: SharedSink
  /** the end of what came before: KEPT_BYTES at most */
  #kept = NOTHING
  /** bytes that have come in */
  #until = 0
  #shown = 0
  #wanted = 0
  /** the end of what was shown without a gap */
  #recent = NOTHING

  constructor(shared: SharedSink) {
    this.#shared = shared
  }

  /** As if new: nothing that came before belongs to what comes now. */
  reset(): void {
    if (this.#shared.last === this) this.#shared.last = undefined
    this.#kept = NOTHING
    this.#until = 0
    this.#shown = 0
    this.#wanted = 0
    this.#recent = NOTHING
  }

  /** @param last whether this is the end: nothing is kept for more */
  push(piece: Uint8Array, last: boolean): void {
    const bytes = this.#kept.length === 0 ? piece : joined(this.#kept, piece)
    const base = this.#until - this.#kept.length
    this.#until += piece.length
    for (let at = textStart(bytes, 0); at < bytes.length; ) {
      const end = textEnd(bytes, at)
      if (end - at >= MIN_TEXT_BYTES) this.#want(bytes, base, { start: at, end })
      at = textStart(bytes, Math.max(end, at + 1))
    }
    this.#show(bytes, base, Math.min(this.#wanted, this.#until))
    this.#kept = last ? NOTHING : bytes.slice(Math.max(0, bytes.length - KEPT_BYTES))
  }

  #want(bytes: Uint8Array, base: number, text: { start: number; end: number }): void {
    const start = Math.max(base, base + text.start - CONTEXT_BYTES)
    if (start > this.#wanted) {
      this.#show(bytes, base, this.#wanted)
      this.#shown = start
      this.#recent = NOTHING
    }
    this.#wanted = base + text.end + CONTEXT_BYTES
  }

  #show(bytes: Uint8Array, base: number, end: number): void {
    if (end <= this.#shown) return
    const { sink } = this.#shared
    const isNew = this.#recent.length === 0
    if (sink.total > 0 && (isNew || this.#shared.last !== this)) sink.add(GAP)
    if (!isNew && this.#shared.last !== this) sink.copy(this.#recent, 0, this.#recent.length)
    this.#shared.last = this
    const shown = bytes.subarray(this.#shown - base, end - base)
    sink.copy(shown, 0, shown.length)
    this.#recent = joined(this.#recent, shown).slice(-REPEATED_BYTES)
    this.#shown = end
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(first.length + second.length)
  all.set(first)
  all.set(second, first.length)
  return all
}

/** Whether a gate would let any of it pass; at times it says so of what is none. */
export function hasText(bytes: Uint8Array): boolean {
  return textStart(bytes, 0) < bytes.length
}

/**
 * Where text that is long enough may begin, from a place on: looks at every MIN_TEXT_BYTESth byte
 * and goes back from there.
 */
function textStart(bytes: Uint8Array, from: number): number {
  let start = from
  while (start + MIN_TEXT_BYTES <= bytes.length) {
    let at = start + MIN_TEXT_BYTES - 1
    while (at >= start && MAY_BE_TEXT[bytes[at] ?? 0] === 1) at--
    if (at < start) return start
    start = at + 1
  }
  return bytes.length
}

/** Where the text ends that begins at a place; the place itself when none does. */
function textEnd(bytes: Uint8Array, from: number): number {
  let at = from
  for (;;) {
    const kind = at < bytes.length ? (KINDS[bytes[at] ?? 0] ?? 0) : 0
    if (kind === 0) return at
    for (let next = 1; next < kind; next++) {
      if (((bytes[at + next] ?? 0) & 0xc0) !== 0x80) return at
    }
    at += kind
  }
}
