import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Finding, Scan } from '../../detect/egress/finding.ts'
import { MAX_LISTED } from '../../detect/egress/finding-merger.ts'

/** Looked at without a pause: other sessions have their turn between. */
const SLICE_BYTES = 65_536
/**
 * What an encoding that hides something is a run of, and how long such a run is: the shorter ones are
 * lines of it, and words of the text.
 */
const ENCODED = [/[A-Za-z0-9+/_=%\\-]{24,}/g, /[A-Za-z0-9+/_=%\\-]{8,}/g] as const
const STAR = 0x2a

/** Bytes that are not kept; `end` is exclusive. In order, and apart from each other. */
export type Range = { start: number; end: number }

export type RedactionParts = {
  /** detector ids, their beginnings, or classes */
  redact: readonly string[]
  /** a new one for each text; undoes encodings */
  scan: () => Scan
}

/**
 * Where a text is to be covered before it is kept. All of it is looked at: what an encoding hides is
 * in no part of it, and its beginning may have been said long before its end.
 */
export async function findRanges(text: Buffer, parts: RedactionParts): Promise<Range[]> {
  if (parts.redact.length === 0) return []
  const found = await findNamed(text, parts)
  if (found === undefined) return [{ start: 0, end: text.length }]
  for (const runs of ENCODED) {
    const ranges = merged(placesOf(found, text, runs))
    if (found.every(({ view }) => view === undefined)) return ranges
    const left = await findNamed(cover(text, ranges), parts)
    if (left?.length === 0) return ranges
  }
  // between zeros, as in UTF-16: nobody knows where it stands
  return [{ start: 0, end: text.length }]
}

/** What is not to be kept; undefined where not all of it is told. */
async function findNamed(
  text: Buffer,
  { redact, scan }: RedactionParts,
): Promise<Finding[] | undefined> {
  const looked = scan()
  const all: Finding[] = []
  for (let at = 0; at < text.length; at += SLICE_BYTES) {
    if (at > 0) await nextTurn()
    for (const one of looked.push(text.subarray(at, at + SLICE_BYTES))) all.push(one)
  }
  for (const one of looked.end()) all.push(one)
  return isCut(all) ? undefined : all.filter((one) => isNamed(one, redact))
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
  return found === undefined ? undefined : merged(placesOf(found, text, ENCODED[0]))
}

/** Fields in which events bring a text piece by piece, in every format. */
const FIELD =
  /"(text|delta|partial_json|arguments|content|thinking|input|refusal|reasoning|reasoning_content|cited_text)"\s{0,8}:\s{0,8}"/g

/** A piece of a text, and where it stands. */
type Piece = { at: number; text: string }

/**
 * Where a reply is to be covered: as {@link findRanges}, and in what the pieces of each field come to
 * when they are put together, for a model writes a secret in as many events as it likes.
 */
export async function findReplyRanges(reply: Buffer, parts: RedactionParts): Promise<Range[]> {
  if (parts.redact.length === 0) return []
  const all = reply.toString('latin1')
  const told = withoutFrames(all)
  const ranges = await (told.length === 1 ? findRanges(reply, parts) : findInPieces(told, parts))
  for (const pieces of piecesIn(all).values()) {
    if (pieces.length === 1) continue
    for (const range of await findInPieces(pieces, parts)) ranges.push(range)
  }
  return merged(ranges)
}

async function findInPieces(pieces: readonly Piece[], parts: RedactionParts): Promise<Range[]> {
  const joined = Buffer.from(pieces.map(({ text }) => text).join(''), 'latin1')
  return spread(await findRanges(joined, parts), pieces)
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

/** Ranges of the pieces put together, in order, where they stand in the reply. */
function spread(ranges: readonly Range[], pieces: readonly Piece[]): Range[] {
  const placed: Range[] = []
  let before = 0
  let next = 0
  for (const { at, text } of pieces) {
    const until = before + text.length
    for (let index = next; index < ranges.length; index++) {
      const { start, end } = ranges[index] ?? { start: until, end: until }
      if (start >= until) break
      placed.push({
        start: at + Math.max(start - before, 0),
        end: at + Math.min(end, until) - before,
      })
      if (end > until) break
      next = index + 1
    }
    before = until
  }
  return placed
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
function placesOf(found: readonly Finding[], text: Buffer, runs: RegExp): Range[] {
  const places: Range[] = []
  for (const { start, end, view } of found) {
    if (view === undefined) places.push({ start, end: Math.min(end, text.length) })
  }
  // once, however many were found
  if (places.length === found.length) return places
  for (const { index, 0: run } of text.toString('latin1').matchAll(runs)) {
    places.push({ start: index, end: index + run.length })
  }
  return places
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
