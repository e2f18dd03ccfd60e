import { createPublicKey, hash, randomBytes } from 'node:crypto'
import { SekishoError } from '../core/error.ts'
import { Pkcs11Key } from '../wire/root.ts'
import { Pkcs11Settings } from '../wire/root-settings.ts'
import { ATTRIBUTE, KEY_TYPE_EC, OBJECT_CLASS } from './pkcs11-codes.ts'
import { word } from './pkcs11-module.ts'
import { type Attributes, isSet, NO, Token, YES } from './pkcs11-token.ts'
import { defineProvider, type RootKey } from './provider.ts'

/** A key that a PKCS #11 token made and does not give away: a smart card, an HSM, SoftHSM. */

const LABEL = Buffer.from('sekisho-root')
const ID_BYTES = 16
/** DER of the curve's name, P-256 (RFC 5480 §2.1.1.1). */
const P256 = Buffer.from('06082a8648ce3d030107', 'hex')
const POINT_BYTES = 65
/** DER of an OCTET STRING of 65 bytes, which some modules leave out (PKCS #11 2.40 §2.3.3). */
const POINT_HEADER = Buffer.from('0441', 'hex')
/** Makers whose tokens are programs, whatever flags these set. */
const PROGRAMS = /softhsm|mozilla|\bnss\b|kryoptic|opencryptoki|utimaco.*sim|p11-kit/i

export const pkcs11Provider = defineProvider({
  name: 'pkcs11',
  settings: Pkcs11Settings,
  kept: Pkcs11Key,
  create: (settings, secret) =>
    withToken(settings, secret, async (token) => {
      const id = randomBytes(ID_BYTES)
      await token.generate(publicTemplate(id), privateTemplate(id))
      const key = await open(token, id)
      const { serial } = token.slot
      return { key, kept: { provider: 'pkcs11' as const, serial, id: id.toString('base64') } }
    }),
  open: (settings, secret, { serial, id }) =>
    withToken({ ...settings, serial }, secret, (token) => open(token, Buffer.from(id, 'base64'))),
})

async function withToken<T>(
  settings: Pkcs11Settings,
  pin: string | null,
  use: (token: Token) => Promise<T>,
): Promise<T> {
  if (pin === null) throw new SekishoError('CONFIG_INVALID', 'the token’s PIN is missing')
  const token = await Token.open(settings, pin)
  try {
    return await use(token)
  } catch (error) {
    await token.close()
    throw error
  }
}

async function open(token: Token, id: Buffer): Promise<RootKey> {
  const privateKey = await only(token, OBJECT_CLASS.privateKey, id)
  await refuseUnlessKept(token, privateKey)
  const publicKey = await only(token, OBJECT_CLASS.publicKey, id)
  const spki = spkiOf(await token.read(publicKey, ATTRIBUTE.ecPoint))
  const { isHardware, manufacturer, model } = token.slot
  return {
    spki,
    protection: {
      class: 'pkcs11',
      emulated: !isHardware || PROGRAMS.test(`${manufacturer} ${model}`),
    },
    sign: (message) => token.sign(privateKey, hash('sha256', message, 'buffer')),
    close: () => token.close(),
  }
}

async function only(token: Token, objectClass: number, id: Buffer): Promise<bigint> {
  const [object, second] = await token.find([
    [ATTRIBUTE.class, word(objectClass)],
    [ATTRIBUTE.keyType, word(KEY_TYPE_EC)],
    [ATTRIBUTE.id, id],
  ])
  if (object !== undefined && second === undefined) return object
  const what = object === undefined ? 'no key' : 'two keys'
  throw new SekishoError('ROOT_KEY_UNUSABLE', `the token has ${what} of the root’s id`, {
    hint: 'put the root’s file and the token back that belong together',
  })
}

/** What a token says of a key is tried: a value that it gives away was never kept. */
async function refuseUnlessKept(token: Token, key: bigint): Promise<void> {
  const { sensitive, extractable, alwaysSensitive, neverExtractable, local, value } = ATTRIBUTE
  const lacking: string[] = []
  for (const [type, wanted, says] of [
    [sensitive, true, 'is not sensitive'],
    [extractable, false, 'is extractable'],
    [alwaysSensitive, true, 'was not always sensitive'],
    [neverExtractable, true, 'was extractable once'],
    [local, true, 'was not made in the token'],
  ] as const) {
    if ((await isSet(token, key, type)) !== wanted) lacking.push(says)
  }
  if ((await token.read(key, value)) !== undefined) lacking.push('can be read')
  if (lacking.length === 0) return
  throw new SekishoError('ROOT_KEY_UNUSABLE', `the token’s key ${lacking.join(', ')}`, {
    hint: 'have `sekisho root init` make a key in the token, and import none',
  })
}

function publicTemplate(id: Buffer): Attributes {
  return [
    [ATTRIBUTE.token, YES],
    [ATTRIBUTE.private, NO],
    [ATTRIBUTE.verify, YES],
    [ATTRIBUTE.ecParams, P256],
    [ATTRIBUTE.id, id],
    [ATTRIBUTE.label, LABEL],
  ]
}

function privateTemplate(id: Buffer): Attributes {
  return [
    [ATTRIBUTE.token, YES],
    [ATTRIBUTE.private, YES],
    [ATTRIBUTE.sensitive, YES],
    [ATTRIBUTE.extractable, NO],
    [ATTRIBUTE.sign, YES],
    [ATTRIBUTE.id, id],
    [ATTRIBUTE.label, LABEL],
  ]
}

function spkiOf(value: Buffer | undefined): Buffer {
  const hasHeader = value?.subarray(0, POINT_HEADER.length).equals(POINT_HEADER) === true
  const point = hasHeader ? value?.subarray(POINT_HEADER.length) : value
  if (point?.length !== POINT_BYTES || point[0] !== 4) {
    throw new SekishoError('ROOT_KEY_UNUSABLE', 'the token’s public key is not of P-256')
  }
  const [x, y] = [point.subarray(1, 33), point.subarray(33)]
  const jwk = { kty: 'EC', crv: 'P-256', x: x.toString('base64url'), y: y.toString('base64url') }
  return createPublicKey({ key: jwk, format: 'jwk' }).export({ format: 'der', type: 'spki' })
}
