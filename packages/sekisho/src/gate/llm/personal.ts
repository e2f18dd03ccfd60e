import { createHmac } from 'node:crypto'
import { PersonalTokens } from '../../detect/content/personal/personal-tokens.ts'
import type { Treatments } from '../../wire/policy.ts'

/** Different values of one session that are known by a token. */
const MAX_VALUES = 10_000

/** The tokens of one session. @param key of its prints, base64: theirs is derived from it */
export function personalTokens(key: string): PersonalTokens {
  const own = createHmac('sha256', Buffer.from(key, 'base64')).update('personal tokens').digest()
  return new PersonalTokens({ key: own, maxValues: MAX_VALUES })
}

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
