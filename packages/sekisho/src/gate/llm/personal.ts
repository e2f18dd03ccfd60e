import { createHmac } from 'node:crypto'
import type { RecordedFinding } from '../../core/finding.ts'
import { type Deny, deny } from '../../core/verdict.ts'
import { PersonalTokens } from '../../detect/content/personal/personal-tokens.ts'
import { compileDetectors } from '../../detect/egress/engine.ts'
import type { Finding } from '../../detect/egress/finding.ts'
import { PERSONAL_DATA } from '../../detect/egress/personal-data/all.ts'
import { HIDDEN, ViewedScan } from '../../detect/egress/views/viewed-scan.ts'
import type { Treatments } from '../../wire/policy.ts'
import { OTHERS } from '../inspection/finding-set.ts'

/** Different values of one session that are known by a token. */
const MAX_VALUES = 10_000

const detectors = compileDetectors(PERSONAL_DATA)
const PERSONAL: ReadonlySet<string> = new Set(PERSONAL_DATA.map(({ id }) => id))

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
  if (!PERSONAL.has(detector)) return false
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
  const left = leftIn(covered.bytes, treatments)
  if (left !== undefined) {
    return deny('llm.personal-data', `${left} found behind escapes, where there are no tokens`)
  }
  return covered.count === 0 ? body : covered.bytes
}

/** What is found once escapes are undone, as every reader undoes them: `taro\u0040corp.jp`. */
function leftIn(covered: Buffer, treatments: Treatments | undefined): string | undefined {
  const scan = new ViewedScan('application/json', () => detectors.scan())
  const found = [...scan.push(covered), ...scan.end()]
  // of what is hidden deeper than anybody looks nobody knows what it is
  const isLeft = ({ detector }: Finding): boolean =>
    detector === HIDDEN.detector || wantsToken(detector, treatments)
  return found.find(isLeft)?.detector
}
