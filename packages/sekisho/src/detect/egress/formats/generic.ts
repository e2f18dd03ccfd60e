import type { Detector } from '../detector.ts'
import { assigned } from './assigned.ts'
import { valueAfter } from './capture.ts'
import { bitsPerCharacter, isMixed, isPlausible } from './plausible.ts'
import { GITLEAKS } from './sources.ts'
import { NOTHING } from './token.ts'

const HASH =
  /\$(?:2[aby]\$\d{2}\$[./A-Za-z0-9]{53}|argon2(?:id|i|d)\$[\w=,$+/]{40,150}|[56]\$(?:rounds=\d{1,9}\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{43,86}|y\$[./A-Za-z0-9]{1,10}\$[./A-Za-z0-9]{1,86}\$[./A-Za-z0-9]{43})/y
const CREDENTIALS = /(?<value>[\w.~+/-]{16,300}={0,2})(?![\w.~+/-])/dy

/**
 * What has no format but looks like a secret. Often it is none: these ids begin with
 * `secret.generic-`, and a policy had better record them than deny.
 */
export const GENERIC: readonly Detector[] = [
  ...assigned(GITLEAKS, [
    [
      'generic-password',
      ['password', 'passwd', 'passphrase'],
      '[\\w.+/=~!@#%^&*-]{10,100}',
      isVaried,
    ],
    [
      'generic-secret',
      ['secret', 'api_key', 'apikey', 'api-key', 'access_token', 'auth_token', 'access_key'],
      '[\\w.+/=~-]{16,150}',
      isVaried,
    ],
  ]),
  {
    id: 'secret.generic-bearer',
    class: 'secret-format',
    source: 'https://www.rfc-editor.org/rfc/rfc6750',
    trigger: { kind: 'keyword', words: ['bearer '] },
    window: { before: 0, after: 400 },
    match: valueAfter(CREDENTIALS, isVaried),
  },
  {
    id: 'secret.generic-basic-auth',
    class: 'secret-format',
    source: 'https://www.rfc-editor.org/rfc/rfc7617',
    trigger: { kind: 'keyword', words: ['basic '] },
    window: { before: 0, after: 400 },
    match: valueAfter(CREDENTIALS, isBasic),
  },
  {
    id: 'secret.generic-password-hash',
    class: 'secret-format',
    source: 'https://man7.org/linux/man-pages/man5/crypt.5.html',
    trigger: { kind: 'keyword', words: ['$2a$', '$2b$', '$2y$', '$argon2', '$6$', '$5$', '$y$'] },
    window: { before: 0, after: 200 },
    match(text, hit) {
      HASH.lastIndex = hit.start
      const found = HASH.exec(text)?.[0]
      if (found === undefined || !isMixed(found)) return NOTHING
      return [{ start: hit.start, end: hit.start + found.length }]
    },
  },
]

/** Letters and digits, and no words in lower case that are put together to a name. */
function isVaried(value: string): boolean {
  if (!/\d/.test(value) || !/[a-z]/i.test(value)) return false
  if (/[_.-]/.test(value) && !isMixed(value)) return false
  return isPlausible(value) && bitsPerCharacter(value) > 3
}

function isBasic(encoded: string): boolean {
  const decoded = Buffer.from(encoded, 'base64').toString('latin1')
  return /^[\x21-\x7e]+:[\x21-\x7e]{4,}$/.test(decoded)
}
