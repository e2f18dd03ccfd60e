import { parseJson } from '../../../core/parse-json.ts'
import type { Detector, Span } from '../detector.ts'
import { LEFT_EDGE, LEFT_EDGE_BYTES, NOTHING } from './token.ts'

const MAX_HEADER = 600
const MAX_CLAIMS = 2_400
const MAX_SIGNATURE = 700
const COMPACT = new RegExp(
  `${LEFT_EDGE}(?<header>eyJ[\\w-]{10,${MAX_HEADER}})\\.(?<claims>eyJ[\\w-]{10,${MAX_CLAIMS}})\\.[\\w-]{20,${MAX_SIGNATURE}}`,
  'y',
)
/** Headers begin with one of these fields: `{"alg"` and so on, in base64. */
const FIRST_FIELDS =
  'alg typ kid x5t enc zip jku apu apv epk cty ver nonce b64 crit jwk x5c x5u iss aud'
    .split(' ')
    .map((field) => Buffer.from(`{"${field}"`).toString('base64url').slice(0, 8))
/** The subject of the token that jwt.io shows, and documentation with it. */
const SHOWN = '"sub":"1234567890"'

/** Signed tokens: whoever holds one is its subject. */
export const JWT: readonly Detector[] = [
  {
    id: 'secret.jwt',
    class: 'secret-format',
    source: 'https://www.rfc-editor.org/rfc/rfc7519',
    trigger: { kind: 'keyword', words: FIRST_FIELDS },
    window: { before: LEFT_EDGE_BYTES, after: MAX_HEADER + MAX_CLAIMS + MAX_SIGNATURE + 2 },
    match: compactToken,
  },
]

function compactToken(text: string, hit: Span): readonly Span[] {
  COMPACT.lastIndex = hit.start
  const found = COMPACT.exec(text)
  if (found === null) return NOTHING
  const header = jsonOf(found.groups?.['header'])
  const claims = jsonOf(found.groups?.['claims'])
  if (header === undefined || claims === undefined) return NOTHING
  if (typeof header['alg'] !== 'string' || JSON.stringify(claims).includes(SHOWN)) return NOTHING
  return [{ start: hit.start, end: hit.start + found[0].length }]
}

/** Undefined when it is no object: then it is no token either. */
function jsonOf(part: string | undefined): Record<string, unknown> | undefined {
  try {
    const value: unknown = parseJson(Buffer.from(part ?? '', 'base64url').toString('utf8'))
    return isRecord(value) ? value : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
