import type { Detector, Span } from '../detector.ts'
import { assigned } from './assigned.ts'
import { bitsPerCharacter, isMixed, isPlausible } from './plausible.ts'
import { LEFT_EDGE, LEFT_EDGE_BYTES, NOTHING, RIGHT_EDGE, tokens } from './token.ts'

const IDENTIFIERS =
  'https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids'
const KEY_ID = new RegExp(`${LEFT_EDGE}(?:AKIA|ASIA)[A-Z2-7]{16}${RIGHT_EDGE}`, 'y')
/** How far from its id a secret key is looked for. */
const NEAR_BYTES = 400
const SECRET_KEY = /(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])/g
/** Forty random characters of base64 have 4.8 bits; paths and names seldom more than 4. */
const MIN_SECRET_BITS = 4.25

/** Keys of Amazon Web Services. */
export const AWS: readonly Detector[] = [
  {
    id: 'secret.aws-key-pair',
    class: 'secret-format',
    source: IDENTIFIERS,
    trigger: { kind: 'keyword', words: ['AKIA', 'ASIA'] },
    window: { before: NEAR_BYTES, after: NEAR_BYTES },
    match(text, hit) {
      const id = keyIdAt(text, hit)
      if (id === undefined) return NOTHING
      const secrets = [...text.matchAll(SECRET_KEY)]
        .filter(([secret]) => isSecretKey(secret))
        .map(({ index, 0: secret }) => ({ start: index, end: index + secret.length }))
      return secrets.length === 0 ? NOTHING : [id, ...secrets]
    },
  },
  {
    // The id alone signs nothing.
    id: 'secret.generic-aws-key-id',
    class: 'secret-format',
    source: IDENTIFIERS,
    trigger: { kind: 'keyword', words: ['AKIA', 'ASIA'] },
    window: { before: LEFT_EDGE_BYTES, after: 20 },
    match(text, hit) {
      const id = keyIdAt(text, hit)
      return id === undefined ? NOTHING : [id]
    },
  },
  ...assigned('https://docs.aws.amazon.com/sdkref/latest/guide/feature-static-credentials.html', [
    [
      'aws-secret-key',
      ['aws_secret', 'secret_access_key', 'secretaccesskey'],
      '[A-Za-z0-9/+]{40}',
      isSecretKey,
    ],
    [
      'aws-session',
      ['session_token', 'sessiontoken', 'security_token'],
      '[A-Za-z0-9/+]{160,1600}={0,2}',
      isMixed,
    ],
  ]),
  ...tokens('https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys.html', [
    ['aws-bedrock', 'ABSK[A-Za-z0-9+/]{109,269}={0,2}', isMixed],
    ['aws-bedrock-short', 'bedrock-api-key-[A-Za-z0-9+/]{100,2000}={0,2}', isMixed],
  ]),
  ...tokens('https://docs.developer.amazonservices.com/', [
    ['amazon-mws', 'amzn\\.mws\\.[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'],
  ]),
  ...tokens('https://developer-docs.amazon.com/sp-api/docs/connecting-to-the-selling-partner-api', [
    ['amazon-oauth-client', 'amzn1\\.oa2-cs\\.v1\\.[0-9a-f]{64}'],
    ['amazon-refresh', 'Atzr\\|[\\w-]{200,1000}'],
    ['amazon-access', 'Atza\\|[\\w-]{200,1000}'],
  ]),
]

function keyIdAt(text: string, hit: Span): Span | undefined {
  KEY_ID.lastIndex = hit.start
  const id = KEY_ID.exec(text)?.[0]
  if (id === undefined || !isPlausible(id.slice(4))) return undefined
  return { start: hit.start, end: hit.start + id.length }
}

function isSecretKey(secret: string): boolean {
  return isMixed(secret) && isPlausible(secret) && bitsPerCharacter(secret) >= MIN_SECRET_BITS
}
