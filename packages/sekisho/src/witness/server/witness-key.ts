import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { type NoteCosigner, noteCosigner } from '@sekisho/verify'
import * as z from 'zod'
import { parseJson } from '../../core/parse-json.ts'
import { SekishoError } from '../../core/error.ts'
import { createDurably } from '../durable-file.ts'

/** A witness's name and its two keys: Ed25519 (`cosignature/v1`), ML-DSA-44 (`subtree/v1`). */
export type WitnessKey = { name: string; cosigners: readonly NoteCosigner[] }

/** PKCS#8 in PEM. The name belongs to them: an Ed25519 key must not cosign under two names. */
const KeyFile = z.strictObject({
  version: z.literal(1),
  name: z.string().min(1).max(255),
  ed25519: z.string(),
  mlDsa44: z.string(),
})

/**
 * Makes the key, readable by its owner alone.
 *
 * @throws SekishoError USAGE when there is one, or the name cannot be a key's
 */
export function makeWitnessKey(path: string, name: string): WitnessKey {
  const ed25519 = generateKeyPairSync('ed25519').privateKey
  const mlDsa44 = generateKeyPairSync('ml-dsa-44').privateKey
  const key = cosignersOf(name, [ed25519, mlDsa44])
  const file = { version: 1, name, ed25519: pem(ed25519), mlDsa44: pem(mlDsa44) }
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    createDurably(path, `${JSON.stringify(file)}\n`, 0o600)
  } catch (cause) {
    throw new SekishoError('USAGE', `${path} cannot be made`, {
      hint: 'a witness has one key; name another directory with --state DIR to make a new one',
      cause,
    })
  }
  return key
}

/** @throws SekishoError USAGE, PERMISSION_REQUIRED */
export function readWitnessKey(path: string): WitnessKey {
  const text = readPrivately(path)
  try {
    const { name, ed25519, mlDsa44 } = KeyFile.parse(parseJson(text))
    return cosignersOf(name, [createPrivateKey(ed25519), createPrivateKey(mlDsa44)])
  } catch (cause) {
    if (cause instanceof SekishoError) throw cause
    throw new SekishoError('USAGE', `${path} holds no key of a witness`, { hint: HINT, cause })
  }
}

const HINT = 'make one with `sekisho witness key --name NAME`'

function cosignersOf(name: string, keys: readonly KeyObject[]): WitnessKey {
  try {
    return { name, cosigners: keys.map((key) => noteCosigner(name, key)) }
  } catch (cause) {
    throw new SekishoError('USAGE', `${name} cannot be the name of a witness`, {
      hint: 'a name has neither spaces nor a plus: choose one like `witness.example/w1`',
      cause,
    })
  }
}

function pem(key: KeyObject): string {
  return String(key.export({ format: 'pem', type: 'pkcs8' }))
}

/** A key that others can read may be anybody's. */
function readPrivately(path: string): string {
  let descriptor: number
  try {
    descriptor = openSync(path, 'r')
  } catch (cause) {
    throw new SekishoError('USAGE', `${path} cannot be read`, { hint: HINT, cause })
  }
  try {
    const { mode } = fstatSync(descriptor)
    if ((mode & 0o077) === 0) return readFileSync(descriptor, 'utf8')
    throw new SekishoError('PERMISSION_REQUIRED', `${path} is open to others`, {
      hint: `others may have read it: make a new key, or run \`chmod 600 ${path}\` if they cannot`,
    })
  } finally {
    closeSync(descriptor)
  }
}
