import type { Span } from '../detector.ts'
import { RecentBytes } from '../recent-bytes.ts'
import { ByteSink } from './byte-sink.ts'
import {
  codeOf,
  ESCAPE_STARTS,
  FORM_STARTS,
  isByte,
  lengthOf,
  MAX_ESCAPE_BYTES,
  readEscape,
} from './escape-forms.ts'
import { Origins } from './origins.ts'
import { GAP, type View } from './view.ts'

/** Taken at once: what is kept of the input is about twice this. */
const STEP_BYTES = 16_384
/** What is shown on each side of an escape at least, and until the end of the word at most. */
const CONTEXT_BYTES = 96
const MAX_CONTEXT_BYTES = 4_096

/** Where a token, a word or a value ends. */
const BOUNDARY = new Uint8Array(256)
for (let byte = 0; byte <= 0x20; byte++) BOUNDARY[byte] = 1
for (const byte of Buffer.from('"\'`<>,;(){}[]|&')) BOUNDARY[byte] = 1

/**
 * Undoes escapes of single characters, whatever their kinds, all in one pass: what was escaped
 * twice takes two views. Shows what changed with the words it stands in.
 */
export class EscapesView implements View {
  readonly isIncomplete = false
  readonly #starts: Uint8Array
  readonly #input = new RecentBytes(MAX_CONTEXT_BYTES + MAX_ESCAPE_BYTES)
  readonly #sink = new ByteSink()
  readonly #origins = new Origins()
  /** looked at up to here */
  #at = 0
  /** shown, or passed over for good, up to here */
  #shown = 0
  /** what follows is shown up to a boundary at or after here; 0 when nothing is owed */
  #owed = 0

  /** @param isForm whether `+` is a space */
  constructor(isForm: boolean) {
    this.#starts = isForm ? FORM_STARTS : ESCAPE_STARTS
  }

  push(piece: Uint8Array): Uint8Array {
    for (let from = 0; from < piece.length; from += STEP_BYTES) {
      this.#input.append(piece.subarray(from, from + STEP_BYTES))
      this.#advance(this.#input.until - MAX_ESCAPE_BYTES + 1)
    }
    return this.#sink.take()
  }

  end(): Uint8Array {
    this.#advance(this.#input.until)
    return this.#sink.take()
  }

  origin(place: Span): Span | undefined {
    return this.#origins.of(place)
  }

  /** @param limit escapes that begin before are there in full */
  #advance(limit: number): void {
    const { bytes, base, until } = this.#input.stretch(false)
    const text = { bytes, until: until - base }
    const starts = this.#starts
    let at = this.#at - base
    const last = limit - base
    while (at < last) {
      if (starts[bytes[at] ?? 0] === 0) {
        at++
        continue
      }
      const escape = readEscape(text, at)
      if (escape !== 0) this.#show(base + at, escape)
      at += escape === 0 ? 1 : lengthOf(escape)
    }
    this.#at = Math.max(this.#at, base + at)
    this.#showOwed(Math.min(this.#at, until))
  }

  #show(at: number, escape: number): void {
    this.#showOwed(at)
    const from = Math.max(this.#shown, this.#contextStart(at))
    if (from > this.#shown && this.#sink.total > 0) {
      this.#origins.gap(this.#sink.total)
      this.#sink.add(GAP)
    }
    this.#copy(from, at)
    this.#origins.escaped(this.#sink.total, at, lengthOf(escape))
    writeCharacter(this.#sink, escape)
    this.#shown = at + lengthOf(escape)
    this.#owed = this.#shown + CONTEXT_BYTES
  }

  /** What follows the last escape, as far as it is known and wanted. */
  #showOwed(until: number): void {
    if (this.#owed === 0 || until <= this.#shown) return
    const { bytes, base } = this.#input.stretch(false)
    const last = this.#owed - CONTEXT_BYTES + MAX_CONTEXT_BYTES
    const most = Math.min(until, last)
    let end = Math.max(this.#shown, Math.min(most, this.#owed))
    while (end >= this.#owed && end < most && BOUNDARY[bytes[end - base] ?? 0] === 0) end++
    const isPaid = end >= this.#owed && (end < most || most === last)
    this.#copy(this.#shown, end)
    this.#shown = end
    if (isPaid) this.#owed = 0
  }

  #contextStart(at: number): number {
    const { bytes, base } = this.#input.stretch(false)
    const least = Math.max(this.#shown, at - MAX_CONTEXT_BYTES)
    let start = Math.max(least, at - CONTEXT_BYTES)
    while (start > least && BOUNDARY[bytes[start - 1 - base] ?? 0] === 0) start--
    return start
  }

  #copy(from: number, to: number): void {
    if (from >= to) return
    const { bytes, base } = this.#input.stretch(false)
    this.#origins.copied(this.#sink.total, from)
    this.#sink.copy(bytes, from - base, to - base)
  }
}

/** The whole of a text with its escapes undone once. */
export function undoEscapes(bytes: Uint8Array): Uint8Array {
  const sink = new ByteSink()
  const text = { bytes, until: bytes.length }
  for (let at = 0; at < bytes.length; ) {
    const escape = ESCAPE_STARTS[bytes[at] ?? 0] === 1 ? readEscape(text, at) : 0
    if (escape === 0) sink.copy(bytes, at, at + 1)
    else writeCharacter(sink, escape)
    at += escape === 0 ? 1 : lengthOf(escape)
  }
  return sink.take()
}

function writeCharacter(sink: ByteSink, escape: number): void {
  const code = codeOf(escape)
  if (isByte(escape) || code < 0x80) {
    sink.add(code)
    return
  }
  const utf8 = Buffer.from(String.fromCodePoint(code), 'utf8')
  sink.copy(utf8, 0, utf8.length)
}
