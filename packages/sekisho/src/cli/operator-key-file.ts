import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { SekishoError } from '../core/error.ts'

/** An operator's own key: it signs releases, and lies where no session looks. */
export type OperatorKey = {
  secret: KeyObject
  /** 32 bytes */
  publicKey: Buffer
}

/** In the operator's own configuration; a sandbox has none of the host's homes. */
export function defaultKeyFile(): string {
  return join(homedir(), '.config/sekisho/operator.key')
}

/** @throws SekishoError USAGE when the file is there already */
export function writeNewKey(path: string): OperatorKey {
  const { privateKey } = generateKeyPairSync('ed25519')
  const text = privateKey.export({ format: 'pem', type: 'pkcs8' })
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeFileSync(path, text, { mode: 0o600, flag: 'wx', flush: true })
  } catch (cause) {
    throw new SekishoError('USAGE', `${path} cannot be made`, {
      hint: 'an operator has one key; name another file with --out FILE to make a new one',
      cause,
    })
  }
  return withPublic(privateKey)
}

/** @throws SekishoError PERMISSION_REQUIRED, USAGE */
export function readKey(path: string): OperatorKey {
  const text = readPrivately(path)
  try {
    const secret = createPrivateKey(text)
    if (secret.asymmetricKeyType === 'ed25519') return withPublic(secret)
  } catch (cause) {
    throw new SekishoError('USAGE', `${path} holds no key`, { hint: HINT, cause })
  }
  throw new SekishoError('USAGE', `${path} holds no Ed25519 key`, { hint: HINT })
}

const HINT = 'make one with `sekisho operator keygen`, or name yours with --key FILE'

/** A key that others can read is not one operator's. */
function readPrivately(path: string): string {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch (cause) {
    throw new SekishoError('USAGE', `${path} cannot be read`, { hint: HINT, cause })
  }
  try {
    const { mode } = fstatSync(fd)
    if ((mode & 0o077) === 0) return readFileSync(fd, 'utf8')
    throw new SekishoError('PERMISSION_REQUIRED', `${path} is open to others`, {
      hint: `others may have read it: make a new key, or run \`chmod 600 ${path}\` if they cannot`,
    })
  } finally {
    closeSync(fd)
  }
}

function withPublic(secret: KeyObject): OperatorKey {
  const { x = '' } = createPublicKey(secret).export({ format: 'jwk' })
  return { secret, publicKey: Buffer.from(x, 'base64url') }
}
