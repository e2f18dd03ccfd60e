import { createHmac } from 'node:crypto'
import { compileDetectors } from '../../egress/engine.ts'
import type { Finding } from '../../egress/finding.ts'
import { PERSONAL_DATA } from '../../egress/personal-data/all.ts'
import { maskEscapes, numberAround, placesInStrings } from './json-places.ts'

/** What stands for each kind of value; the letters behind the name are not in it. */
const NAMES: Readonly<Record<string, string>> = {
  'pii.email': 'person',
  'pii.phone': 'phone',
  'pii.card': 'card',
  'pii.iban': 'iban',
  'pii.my-number': 'my-number',
  'pii.us-ssn': 'us-ssn',
  'pii.uk-nino': 'uk-nino',
}

/** No digits: a token is no number, whatever stands around it. 16 letters, 4 bits each. */
const LETTERS = 'abcdefghjkmnpqrs'
const TOKEN_LETTERS = 12
/** A name under a domain that no mail reaches (RFC 2606 §2). */
const MAIL = '@mail.invalid'
/** Marks what is a number in JSON, and is one again behind the quotes. */
const NUMBER = '-n'
const START = `(?:${Object.values(NAMES).join('|')})-[${LETTERS}]{${TOKEN_LETTERS}}`
const BARE_TOKEN = new RegExp(`^${START}`)
const TOKEN = new RegExp(
  `"${START}${NUMBER}"|${START}(?:(?:@|%40)mail\\.invalid|${NUMBER}(?![a-z0-9]))?`,
  'g',
)

export type Covered =
  | { kind: 'covered'; bytes: Buffer; count: number }
  /** more values than are kept, or more places than are listed: it may not pass */
  | { kind: 'refused'; reason: 'too many values' | 'too many places' }

export type PersonalTokensOptions = {
  /** of this session alone; 32 bytes */
  key: Uint8Array
  /** different values that are remembered; some 300 bytes each */
  maxValues: number
}

const detectors = compileDetectors(PERSONAL_DATA)

/**
 * The personal data of one session, and what stands for it towards those who need not know it: a
 * model sees `person-…@mail.invalid`, and the address is put back where the host may have it.
 *
 * The same value has the same token as long as the session lasts; a token says nothing of its value.
 */
export class PersonalTokens {
  readonly #key: Uint8Array
  readonly #maxValues: number
  readonly #tokens = new Map<string, string>()
  readonly #values = new Map<string, string>()

  constructor({ key, maxValues }: PersonalTokensOptions) {
    this.#key = key
    this.#maxValues = maxValues
  }

  /** values that have a token */
  get size(): number {
    return this.#tokens.size
  }

  /**
   * Puts tokens in place of personal data. JSON stays JSON: in a string a token needs no escape, and
   * a number becomes a string that `uncover` makes a number again.
   *
   * @param wants which detectors' finds have tokens; the others' stay as they are
   */
  cover(
    body: Uint8Array,
    format: 'json' | 'text',
    wants: (detector: string) => boolean = () => true,
  ): Covered {
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
    const places = findPlaces(bytes, wants)
    if (places === undefined) return { kind: 'refused', reason: 'too many places' }
    if (places.length === 0) return { kind: 'covered', bytes, count: 0 }
    const isInString = format === 'json' ? placesInStrings(bytes, places) : []
    const parts: Buffer[] = []
    let at = 0
    let count = 0
    for (const [index, place] of places.entries()) {
      if (place.start < at) continue
      const put = this.#stead(bytes, place, isInString[index] === false)
      if (put === undefined) return { kind: 'refused', reason: 'too many values' }
      parts.push(bytes.subarray(at, put.start), Buffer.from(put.token, 'latin1'))
      at = put.end
      count += 1
    }
    return { kind: 'covered', bytes: Buffer.concat([...parts, bytes.subarray(at)]), count }
  }

  /** What stands in place of one value, and from where to where. */
  #stead(
    body: Buffer,
    place: Finding,
    isNumber: boolean,
  ): { start: number; end: number; token: string } | undefined {
    const { start, end } = isNumber ? numberAround(body, place) : place
    const value = body.toString('latin1', start, end)
    const token = this.#tokenOf(place.detector, value, { body, isNumber })
    if (token === undefined) return undefined
    return { start, end, token: isNumber ? `"${token}"` : token }
  }

  /** Puts the values back for those who may have them. What is no token of this session stays. */
  uncover(body: Uint8Array): { bytes: Buffer; count: number } {
    const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1')
    let count = 0
    const uncovered = text.replace(TOKEN, (written) => {
      const value = this.#valueOf(written)
      if (value !== undefined) count += 1
      return value ?? written
    })
    return { bytes: Buffer.from(uncovered, 'latin1'), count }
  }

  #valueOf(written: string): string | undefined {
    const bare = written.replaceAll('"', '')
    const value = this.#values.get(bare.replace('%40', '@'))
    if (value !== undefined) return bare.includes('%40') ? encodeURIComponent(value) : value
    // what stood behind the value may look like an end of another kind of token
    const [start = ''] = BARE_TOKEN.exec(bare) ?? []
    const shorter = this.#values.get(start)
    return shorter === undefined ? undefined : written.replace(start, () => shorter)
  }

  #tokenOf(
    detector: string,
    value: string,
    { body, isNumber }: { body: Buffer; isNumber: boolean },
  ): string | undefined {
    const kept = `${isNumber ? 'number' : detector} ${value}`
    const known = this.#tokens.get(kept)
    if (known !== undefined) return known
    if (this.#tokens.size >= this.#maxValues) return undefined
    for (let attempt = 0; ; attempt++) {
      const token =
        this.#make(detector, `${attempt} ${kept}`) + (isNumber ? NUMBER : mailOf(detector))
      // what stands there already would come back as this value
      if (this.#values.has(token) || body.includes(token)) continue
      this.#tokens.set(kept, token)
      this.#values.set(token, value)
      return token
    }
  }

  #make(detector: string, text: string): string {
    const digest = createHmac('sha256', this.#key).update(text, 'latin1').digest()
    const letters = Array.from(
      digest.subarray(0, TOKEN_LETTERS),
      (byte) => LETTERS[byte & 15],
    ).join('')
    return `${NAMES[detector] ?? 'person'}-${letters}`
  }
}

const mailOf = (detector: string): string => (detector === 'pii.email' ? MAIL : '')

/** In order, none over another; undefined where not all of them are told. */
function findPlaces(bytes: Buffer, wants: (detector: string) => boolean): Finding[] | undefined {
  const scan = detectors.scan()
  const masked = maskEscapes(bytes)
  const found = [...scan.push(masked), ...scan.end()]
  const isWhole = scan.unlisted === 0 && found.every((one) => one.class === 'personal-data')
  if (!isWhole) return undefined
  const places: Finding[] = []
  const wanted = found.filter(({ detector }) => wants(detector))
  for (const place of wanted.sort((a, b) => a.start - b.start || b.end - a.end)) {
    const last = places.at(-1)
    if (last === undefined || place.start >= last.end) places.push({ ...place })
    else last.end = Math.max(last.end, place.end)
  }
  return places
}
