import type { Span } from '../../detect/egress/detector.ts'
import type { Finding } from '../../detect/egress/finding.ts'
import { escapeAllowance } from './escape-allowance.ts'
import { commonPrefix, commonSuffix } from '../llm/common-ends.ts'

/**
 * Looked at again on both sides of what is new. What is found, in whatever encoding, stands without a
 * quotation mark in it, or within some hundred characters around a word; a few detectors, of words
 * that are rare, see further. A character counts as one however it is escaped: of what is escaped
 * three times over, 4,096 bytes are twenty.
 */
const MAX_FAR_CHARACTERS = 4_096
/**
 * Looked at again where no such word stands near: twice the NEAR_WINDOW_BYTES of all other detectors,
 * and the longest word.
 */
const NEAR_CHARACTERS = 1_024
const QUOTE = 0x22

/** A body that was looked at. */
export type SeenBody = {
  bytes: Buffer
  /** in the body as it is, in no view of it */
  findings: readonly Finding[]
  /** where a detector looked that sees far */
  far: readonly Span[]
}

/** Of a body; `until` is exclusive. */
export type Part = readonly [from: number, until: number]

/** How much of its beginning and of its end another body has too. */
export type Common = { body: SeenBody; prefix: number; suffix: number }

/** The body that begins like this one for the longest: of bodies that begin alike, the latest. */
export function nearest(bodies: readonly SeenBody[], whole: Buffer): Common | undefined {
  let best: { body: SeenBody; prefix: number } | undefined
  for (const body of bodies) {
    if (best !== undefined && !hasMore(body.bytes, whole, best.prefix)) continue
    best = { body, prefix: commonPrefix(body.bytes, whole) }
  }
  if (best === undefined) return undefined
  const most = Math.min(best.body.bytes.length, whole.length) - best.prefix
  return { ...best, suffix: commonSuffix(best.body.bytes, whole, most) }
}

/** Whether two bodies may have more in common than their first bytes. */
function hasMore(one: Buffer, other: Buffer, bytes: number): boolean {
  const isLonger = bytes < one.length && bytes < other.length
  return isLonger && one[bytes] === other[bytes] && one.compare(other, 0, bytes, 0, bytes) === 0
}

export type Reach = {
  /** nothing that sees far looks at what is near the seams */
  isNear: boolean
  /** of whatever is searched for as it is, however it is spelled */
  longestBytes: number
}

/** From behind a quotation mark to behind one: nothing of what is looked for begins or ends there. */
export function newPart(whole: Buffer, common: Common, reach: Reach): Part {
  const [before, behind] = around(whole, common, reach)
  const from = before === 0 ? 0 : whole.lastIndexOf(QUOTE, before) + 1
  const quote = whole.indexOf(QUOTE, behind)
  return [from, quote === -1 ? whole.length : quote + 1]
}

function around(
  whole: Buffer,
  { prefix, suffix }: Common,
  { isNear, longestBytes }: Reach,
): [before: number, behind: number] {
  const characters = Math.max(isNear ? NEAR_CHARACTERS : MAX_FAR_CHARACTERS, longestBytes)
  return [
    walk(whole, prefix, { characters, to: 0, step: -1 }),
    walk(whole, whole.length - suffix, { characters, to: whole.length, step: 1 }),
  ]
}

/** So many characters on, whatever escapes they are written with, and not beyond a place. */
function walk(
  bytes: Buffer,
  from: number,
  { characters, to, step }: { characters: number; to: number; step: -1 | 1 },
): number {
  let at = from
  for (let left = characters; left > 0 && at !== to; at += step) {
    left += escapeAllowance(bytes, step === 1 ? at : at - 1) - 1
  }
  return at
}

/** Whether something that sees far looked so near to a seam that it may see beyond it. */
export function isFarNearSeam(whole: Buffer, common: Common, longestBytes: number): boolean {
  const { body, prefix, suffix } = common
  if (body.far.length === 0) return false
  const [before, behind] = around(whole, common, { isNear: false, longestBytes })
  const moved = whole.length - body.bytes.length
  const seam = body.bytes.length - suffix
  return body.far.some(
    ({ start, end }) => (start < prefix && end > before) || (end > seam && start < behind - moved),
  )
}

/** Places in the body before, of those that stand in this one too and outside of a part of it. */
export function placesAround<Place extends Span>(
  places: readonly Place[],
  { body, prefix, suffix }: Common,
  { part: [from, until], length }: { part: Part; length: number },
): { before: Place[]; behind: Place[] } {
  const moved = length - body.bytes.length
  return {
    before: places.filter(({ start, end }) => start < from && end <= prefix),
    behind: places
      .filter(({ start }) => start >= body.bytes.length - suffix)
      .map((place) => shifted(place, moved))
      .filter(({ end }) => end > until),
  }
}

export function shifted<Place extends Span>(place: Place, by: number): Place {
  return by === 0 ? place : { ...place, start: place.start + by, end: place.end + by }
}
