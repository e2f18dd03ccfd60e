/**
 * What a detector looks for, from the most to the least certain.
 *
 * - `platform-secret`: a credential of the platform itself, in any spelling
 * - `canary`: a token planted in this session, which no honest task carries anywhere
 * - `secret-format`: what an issuer's published format says is a secret
 * - `personal-data`: e-mail, phone, payment card, identity numbers
 * - `high-entropy`: a blob that looks encrypted, compressed or random
 */
export const DETECTOR_CLASSES = [
  'platform-secret',
  'canary',
  'secret-format',
  'personal-data',
  'high-entropy',
] as const
export type DetectorClass = (typeof DETECTOR_CLASSES)[number]

/** What was found in an action's outgoing data: never the data itself. */
export type RecordedFinding = {
  detector: string
  /** `url`, `header x`, `body`, `body (base64)`, `message` … */
  place: string
  count: number
  did: 'recorded' | 'redacted' | 'held' | 'denied'
}
