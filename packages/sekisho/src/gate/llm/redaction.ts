import type { Finding, Scan } from '../../detect/egress/finding.ts'
import { MAX_LISTED } from '../../detect/egress/finding-merger.ts'

/** Bytes before and after what is new that are looked at with it; no detector needs to see more. */
const MARGIN_BYTES = 4096
/** Beyond the string of JSON that the seam is in: a name before a value says what the value is. */
const NAME_BYTES = 160
const QUOTE = 0x22
const BACKSLASH = 0x5c
/** What an encoding that hides something is a run of, and how long such a run is. */
const ENCODED = /[A-Za-z0-9+/_=%\\-]{24,}/g
const STAR = 0x2a

/** Bytes that are not kept; `end` is exclusive. In order, and apart from each other. */
export type Range = { start: number; end: number }

export type RedactionParts = {
  /** detector ids, their beginnings, or classes */
  redact: readonly string[]
  /** a new one for each text; undoes encodings */
  scan: () => Scan
}

/** What was found in a text before, and where the text at hand is the same. */
export type Before = { ranges: readonly Range[]; bytes: number; prefix: number; suffix: number }

/**
 * Where a text is to be covered before it is kept. Only what is new is looked at, with what stands
 * around it; what was found in the rest was found before.
 */
export function findRanges(
  text: Buffer,
  { redact, scan }: RedactionParts,
  before: Before = { ranges: [], bytes: 0, prefix: 0, suffix: 0 },
): Range[] {
  if (redact.length === 0) return []
  const { prefix, suffix } = before
  const from = windowStart(text, prefix)
  const to = windowEnd(text, text.length - suffix)
  const shift = text.length - before.bytes
  const known = before.ranges.flatMap(({ start, end }): Range[] => {
    if (end <= prefix) return [{ start, end }]
    if (start >= before.bytes - suffix) return [{ start: start + shift, end: end + shift }]
    return []
  })
  // what was cut out of the middle may have stood between two halves of a secret
  if (prefix === text.length && prefix === before.bytes) return merged(known)
  const window = text.subarray(from, to)
  const looked = scan()
  const all = [...looked.push(window), ...looked.end()]
  if (isCut(all)) return merged([...known, { start: from, end: to }])
  const found = all.filter((one) => isNamed(one, redact))
  const fresh = found.flatMap((one) => placesOf(one, window))
  return merged([
    ...known,
    ...fresh.map(({ start, end }) => ({ start: start + from, end: end + from })),
  ])
}

/** Where a text is to be covered that has been looked at as a whole; undefined where it has not. */
export function knownRanges(
  text: Buffer,
  {
    redact,
    foundIn,
  }: Pick<RedactionParts, 'redact'> & {
    foundIn: (text: Buffer) => readonly Finding[] | undefined
  },
): Range[] | undefined {
  if (redact.length === 0) return []
  const found = foundIn(text)?.filter((one) => isNamed(one, redact))
  return found === undefined ? undefined : merged(found.flatMap((one) => placesOf(one, text)))
}

/** Fields in which events bring a text piece by piece, in every format. */
const FIELD =
  /"(text|delta|partial_json|arguments|content|thinking|input|reasoning_content)"\s{0,8}:\s{0,8}"/g

/** A piece of a text, and where it stands. */
type Piece = { at: number; text: string }

/**
 * Where a reply is to be covered: as {@link findRanges}, and in what the pieces of each field come to
 * when they are put together, for a model writes a secret in as many events as it likes.
 */
export function findReplyRanges(reply: Buffer, parts: RedactionParts): Range[] {
  if (parts.redact.length === 0) return []
  const all = reply.toString('latin1')
  const told = withoutFrames(all)
  const whole = told.length === 1 ? findRanges(reply, parts) : findInPieces(told, parts)
  const split = [...piecesIn(all).values()].filter(({ length }) => length > 1)
  return merged([...whole, ...split.flatMap((pieces) => findInPieces(pieces, parts))])
}

function findInPieces(pieces: readonly Piece[], parts: RedactionParts): Range[] {
  const joined = Buffer.from(pieces.map(({ text }) => text).join(''), 'latin1')
  return findRanges(joined, parts).flatMap((range) => spread(range, pieces))
}

/** An event that brings nothing but some ASCII, as Anthropic writes it: around that, it is always the same. */
const TEXT_EVENT =
  /(event: content_block_delta\ndata: \{"type":"content_block_delta","index":\d{1,6},"delta":\{"type":"(?:text|thinking)_delta",)("(?:text|thinking)":"[ !#-[\]-~]*")\} *\}\n\n/g

/** All of a stream, but of each such event no more than its text with its name, and its end. */
function withoutFrames(all: string): Piece[] {
  const pieces: Piece[] = []
  let from = 0
  for (const { 0: event, 1: before = '', 2: text = '', index } of all.matchAll(TEXT_EVENT)) {
    const end = index + event.length
    if (index > from) pieces.push({ at: from, text: all.slice(from, index) })
    pieces.push({ at: index + before.length, text }, { at: end - 2, text: '\n\n' })
    from = end
  }
  if (from < all.length || pieces.length === 0) pieces.push({ at: from, text: all.slice(from) })
  return pieces
}

function piecesIn(all: string): Map<string, Piece[]> {
  const fields = new Map<string, Piece[]>()
  for (const { 0: opening, 1: name = '', index } of all.matchAll(FIELD)) {
    const at = index + opening.length
    const pieces = fields.get(name) ?? []
    fields.set(name, pieces)
    pieces.push({ at, text: all.slice(at, endOfString(all, at)) })
  }
  return fields
}

/** By hand: an expression that knows escapes runs out of stack in a long string. */
function endOfString(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at !== -1; at = text.indexOf('"', at + 1)) {
    let backslashes = 0
    while (text[at - 1 - backslashes] === '\\') backslashes += 1
    if (backslashes % 2 === 0) return at
  }
  return text.length
}

/** A range of the pieces put together, where it stands in the reply. */
function spread({ start, end }: Range, pieces: readonly Piece[]): Range[] {
  const ranges: Range[] = []
  let before = 0
  for (const { at, text } of pieces) {
    const from = Math.max(start - before, 0)
    const to = Math.min(end - before, text.length)
    if (from < to) ranges.push({ start: at + from, end: at + to })
    before += text.length
  }
  return ranges
}

/** No secret goes on behind the end of the string that it stands in. */
function windowStart(text: Buffer, seam: number): number {
  const least = Math.max(0, seam - MARGIN_BYTES)
  for (let at = seam - 1; at > least; at--) {
    at = text.lastIndexOf(QUOTE, at)
    if (at <= least) break
    if (text[at - 1] !== BACKSLASH) return Math.max(least, at - NAME_BYTES)
  }
  return least
}

function windowEnd(text: Buffer, seam: number): number {
  const most = Math.min(text.length, seam + MARGIN_BYTES)
  for (let at = seam; at < most; at++) {
    at = text.indexOf(QUOTE, at)
    if (at === -1 || at >= most) break
    if (text[at - 1] !== BACKSLASH) return Math.min(most, at + NAME_BYTES)
  }
  return most
}

/** A copy with stars over the ranges; the text itself where there are none. */
export function cover(text: Buffer, ranges: readonly Range[]): Buffer {
  if (ranges.length === 0) return text
  const covered = Buffer.from(text)
  for (const { start, end } of ranges) covered.fill(STAR, start, end)
  return covered
}

/** Behind so many, a secret is found and not told: nobody knows where it stands. */
function isCut(findings: readonly Finding[]): boolean {
  const each = new Map<string | undefined, number>()
  for (const { view } of findings) each.set(view, (each.get(view) ?? 0) + 1)
  return [...each.values()].some((count) => count >= MAX_LISTED)
}

function isNamed({ detector, class: kind }: Finding, redact: readonly string[]): boolean {
  return redact.some((name) => detector.startsWith(name) || kind === name)
}

/** What was found in a decoding has no place here: every run that may be encoded is covered. */
function placesOf({ start, end, view }: Finding, window: Buffer): Range[] {
  if (view === undefined) return [{ start, end: Math.min(end, window.length) }]
  return [...window.toString('latin1').matchAll(ENCODED)].map(({ index, 0: run }) => ({
    start: index,
    end: index + run.length,
  }))
}

function merged(ranges: Range[]): Range[] {
  ranges.sort((a, b) => a.start - b.start)
  const apart: Range[] = []
  for (const next of ranges) {
    const last = apart.at(-1)
    if (last === undefined || next.start > last.end) apart.push({ ...next })
    else last.end = Math.max(last.end, next.end)
  }
  return apart
}
