import { crc32 } from '../../../core/crc32.ts'
import type { Canary } from '../../../wire/canary.ts'

/** How many random bytes a session's canaries are made of. */
export const CANARY_RANDOM_BYTES = 128

const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const LOWER = UPPER.toLowerCase()
const DIGITS = '0123456789'
const BASE32 = `${UPPER}234567`
const BASE62 = DIGITS + UPPER + LOWER
const BASE64 = `${UPPER}${LOWER}${DIGITS}+/`

/**
 * Credentials that no one has issued, in the files where real ones lie: an AWS key pair and a token
 * of a forge. The platform gives real credentials to no session, so whoever carries these away was
 * looking for some.
 *
 * @param random CANARY_RANDOM_BYTES, fresh for every session: the same bytes give the same canaries
 * @throws RangeError when there are fewer
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
 * @see https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/
 */
export function makeCanary(random: Uint8Array): Canary {
  if (random.length < CANARY_RANDOM_BYTES) {
    throw new RangeError(`want ${CANARY_RANDOM_BYTES} random bytes`)
  }
  const accessKey = `AKIA${spell(BASE32, random.subarray(0, 16))}`
  const secretKey = spell(BASE64, random.subarray(16, 56))
  const token = forgeToken(random.subarray(56, 86))
  const user = `dev-${spell(LOWER, random.subarray(86, 92))}`
  return {
    files: [
      { path: '.aws/credentials', content: awsCredentials(accessKey, secretKey) },
      { path: '.config/gh/hosts.yml', content: forgeHosts(user, token) },
    ],
    tokens: [
      { name: 'aws-access-key-id', value: accessKey },
      { name: 'aws-secret-access-key', value: secretKey },
      { name: 'github-token', value: token },
    ],
  }
}

/** A character for each byte. A little uneven for 62, which no one can tell from one token. */
function spell(alphabet: string, bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => alphabet[byte % alphabet.length] ?? '').join('')
}

/** Thirty characters, then their CRC-32 in base62: scanners take it for a real one. */
function forgeToken(bytes: Uint8Array): string {
  const body = spell(BASE62, bytes)
  return `ghp_${body}${base62(crc32(Buffer.from(body, 'latin1')))}`
}

function base62(value: number): string {
  let text = ''
  for (let rest = value; rest > 0; rest = Math.floor(rest / 62))
    text = (BASE62[rest % 62] ?? '') + text
  return text.padStart(6, '0')
}

function awsCredentials(accessKey: string, secretKey: string): string {
  return `[default]\naws_access_key_id = ${accessKey}\naws_secret_access_key = ${secretKey}\n`
}

function forgeHosts(user: string, token: string): string {
  return `github.com:\n    user: ${user}\n    oauth_token: ${token}\n    git_protocol: https\n`
}
