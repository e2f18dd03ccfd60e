import { createHmac } from 'node:crypto'
import type { RecordedFinding } from '../../core/finding.ts'
import { type Deny, deny } from '../../core/verdict.ts'
import { PersonalTokens } from '../../detect/content/personal/personal-tokens.ts'
import type { Treatments } from '../../wire/policy.ts'
import { OTHERS } from '../inspection/finding-set.ts'

/** Different values of one session that are known by a token. */
const MAX_VALUES = 10_000

/** The tokens of one session. @param key of its prints, base64: theirs is derived from it */
export function personalTokens(key: string): PersonalTokens {
  const own = createHmac('sha256', Buffer.from(key, 'base64')).update('personal tokens').digest()
  return new PersonalTokens({ key: own, maxValues: MAX_VALUES })
}

/** Where a token takes a value's place: as it is written, and as JSON escapes it. */
const REPLACED: ReadonlySet<string> = new Set(['body', 'body (escapes)'])

/** Whether a rule wants personal data to be replaced by tokens. */
export function isTokenized(treatments: Treatments = {}): boolean {
  return Object.values(treatments).includes('tokenize')
}

/** Whether a rule wants tokens for what this detector finds: by its id, its beginning, or its class. */
export function wantsToken(detector: string, treatments: Treatments = {}): boolean {
  const fits = Object.keys(treatments).filter(
    (name) => name === detector || (name.endsWith('*') && detector.startsWith(name.slice(0, -1))),
  )
  const [closest = 'personal-data'] = fits.toSorted((a, b) => b.length - a.length)
  return treatments[closest] === 'tokenize'
}

/** What is replaced by a token has no other treatment: whoever looks into it notes it, and no more. */
export function withoutTokens(treatments: Treatments = {}): Treatments {
  const entries = Object.entries(treatments)
  return Object.fromEntries(
    entries.map(([name, what]) => [name, what === 'tokenize' ? 'record' : what]),
  )
}

/** Why a request may not leave that says what is to be a token where none can stand: in a field, in base64. */
export function denyElsewhere(
  findings: readonly RecordedFinding[] = [],
  treatments: Treatments = {},
): Deny | undefined {
  if (!isTokenized(treatments)) return undefined
  const found = findings.find(
    // of what is only counted nobody knows what it was
    ({ detector, place }) =>
      detector === OTHERS || (!REPLACED.has(place) && wantsToken(detector, treatments)),
  )
  if (found === undefined) return undefined
  const { detector, place } = found
  return deny('llm.personal-data', `${detector} found in ${place}, where there are no tokens`)
}

/** The body with tokens for personal data, where a rule wants that; itself where nothing is replaced. */
export function coverBody(
  body: Buffer,
  treatments: Treatments | undefined,
  tokens: Pick<PersonalTokens, 'cover'>,
): Buffer | Deny {
  if (!isTokenized(treatments)) return body
  const covered = tokens.cover(body, 'json', (detector) => wantsToken(detector, treatments))
  if (covered.kind === 'refused') return deny('llm.personal-data', covered.reason)
  return covered.count === 0 ? body : covered.bytes
}
