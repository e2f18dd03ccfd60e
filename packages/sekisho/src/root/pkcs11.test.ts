import { createPublicKey, randomBytes, verify } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Pkcs11Key } from '../wire/root.ts'
import { Pkcs11Settings } from '../wire/root-settings.ts'
import { pkcs11Provider } from './pkcs11.ts'
import { ATTRIBUTE, OBJECT_CLASS } from './pkcs11-codes.ts'
import { word } from './pkcs11-module.ts'
import { type Attributes, NO, Token, YES } from './pkcs11-token.ts'
import type { RootKey } from './provider.ts'
import { makeTokens, SOFTHSM } from './testing/softhsm.ts'

const PIN = '47110815'
let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'sk-hsm-'))
  const tokens = ['root', 'other', 'twin', 'twin'].map((label) => ({ label, pin: PIN }))
  vi.stubEnv('SOFTHSM2_CONF', makeTokens(directory, tokens))
})
afterAll(() => {
  vi.unstubAllEnvs()
  rmSync(directory, { recursive: true })
})

function settings(token = 'root', module = SOFTHSM): Pkcs11Settings {
  return Pkcs11Settings.parse({ provider: 'pkcs11', module, token, pin: 'env:PIN' })
}

describe('a key of a token', () => {
  let kept: Pkcs11Key
  let spki: Buffer
  beforeAll(async () => {
    const made = await pkcs11Provider.create(settings(), PIN)
    kept = Pkcs11Key.parse(made.kept)
    spki = made.key.spki
    await made.key.close()
  })

  test('says that this token is a program', async () => {
    await using(kept, async (key) => {
      expect(key.protection).toEqual({ class: 'pkcs11', emulated: true })
    })
  })

  test('is the same each time, and signs what Node verifies', async () => {
    await using(kept, async (key) => {
      expect(key.spki).toEqual(spki)
      for (const length of [0, 1, 1000, 100_000]) {
        const message = randomBytes(length)
        expect(isBy(spki, message, await key.sign(message))).toBe(true)
      }
    })
  })

  test('is not given away: sensitive, not extractable, and its value is refused', async () => {
    await onToken('root', async (token) => {
      const id = Buffer.from(kept.id, 'base64')
      const [key = 0n] = await token.find([
        [ATTRIBUTE.class, word(OBJECT_CLASS.privateKey)],
        [ATTRIBUTE.id, id],
      ])
      const bit = async (type: number): Promise<number | undefined> =>
        (await token.read(key, type))?.[0]
      expect({
        sensitive: await bit(ATTRIBUTE.sensitive),
        extractable: await bit(ATTRIBUTE.extractable),
        alwaysSensitive: await bit(ATTRIBUTE.alwaysSensitive),
        neverExtractable: await bit(ATTRIBUTE.neverExtractable),
        local: await bit(ATTRIBUTE.local),
        value: await token.read(key, ATTRIBUTE.value),
      }).toEqual({
        sensitive: 1,
        extractable: 0,
        alwaysSensitive: 1,
        neverExtractable: 1,
        local: 1,
        value: undefined,
      })
    })
  })

  test('is not there in another token', async () => {
    const { serial } = await onToken('other', async ({ slot }) => slot)
    const moved = { ...kept, serial }
    await expect(pkcs11Provider.open(settings('other'), PIN, moved)).rejects.toMatchObject({
      code: 'ROOT_KEY_UNUSABLE',
      message: 'the token has no key of the root’s id',
    })
  })

  test('is looked for in the token that made it, and in none of the same name', async () => {
    await expect(pkcs11Provider.open(settings('other'), PIN, kept)).rejects.toMatchObject({
      code: 'ROOT_KEY_UNUSABLE',
      message: expect.stringContaining('no token is named other; there are: '),
    })
  })

  test('does not open by another PIN, which is in no error', async () => {
    const failed: unknown = await pkcs11Provider
      .open(settings(), '99999999', kept)
      .catch((error: unknown) => error)
    expect(failed).toMatchObject({
      code: 'ROOT_KEY_UNUSABLE',
      message: 'C_Login: another PIN than the token’s (0xa0)',
    })
    expect(JSON.stringify(failed)).not.toContain('99999999')
  })

  test('without a PIN is not tried', async () => {
    await expect(pkcs11Provider.open(settings(), null, kept)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    })
  })
})

test.for([
  [
    'extractable',
    [
      [ATTRIBUTE.extractable, YES],
      [ATTRIBUTE.sensitive, YES],
    ],
    'is extractable, was extractable once',
  ],
  [
    'to be read',
    [
      [ATTRIBUTE.extractable, YES],
      [ATTRIBUTE.sensitive, NO],
    ],
    'is not sensitive, is extractable, was not always sensitive, was extractable once, can be read',
  ],
] as const satisfies readonly [string, Attributes, string][])(
  'a key that is %s is not taken for one that is kept',
  async ([, attributes, says]) => {
    const id = randomBytes(16)
    const { serial } = await onToken('root', async (token) => {
      const both: Attributes = [
        [ATTRIBUTE.token, YES],
        [ATTRIBUTE.id, id],
      ]
      const curve = Buffer.from('06082a8648ce3d030107', 'hex')
      await token.generate(
        [...both, [ATTRIBUTE.ecParams, curve]],
        [...both, [ATTRIBUTE.sign, YES], ...attributes],
      )
      return token.slot
    })
    const kept = { provider: 'pkcs11', serial, id: id.toString('base64') } as const
    await expect(pkcs11Provider.open(settings(), PIN, kept)).rejects.toMatchObject({
      code: 'ROOT_KEY_UNUSABLE',
      message: `the token’s key ${says}`,
    })
  },
)

test('two tokens of one name are not guessed between', async () => {
  await expect(pkcs11Provider.create(settings('twin'), PIN)).rejects.toMatchObject({
    code: 'ROOT_KEY_UNUSABLE',
    message: expect.stringContaining('more than one token is named twin'),
  })
})

test.for([
  ['a file that is not there', '/nowhere/module.so', 'cannot be loaded'],
  ['a library that is something else', ownLibc(), 'cannot be loaded'],
] as const)('%s is no module', async ([, path, says]) => {
  await expect(pkcs11Provider.create({ ...settings(), module: path }, PIN)).rejects.toMatchObject({
    code: 'ROOT_KEY_UNUSABLE',
    message: expect.stringContaining(says),
  })
})

/** As this process has it. */
function ownLibc(): string {
  const path = /\/\S*libc\.so\.6$/m.exec(readFileSync('/proc/self/maps', 'utf8'))?.[0]
  if (path === undefined) throw new Error('no C library is loaded')
  return path
}

async function using(kept: Pkcs11Key, use: (key: RootKey) => Promise<void>): Promise<void> {
  const key = await pkcs11Provider.open(settings(), PIN, kept)
  try {
    await use(key)
  } finally {
    await key.close()
  }
}

async function onToken<T>(name: string, use: (token: Token) => Promise<T>): Promise<T> {
  const token = await Token.open(settings(name), PIN)
  try {
    return await use(token)
  } finally {
    await token.close()
  }
}

function isBy(spki: Buffer, message: Buffer, signature: Buffer): boolean {
  const key = createPublicKey({ key: spki, format: 'der', type: 'spki' })
  return verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature)
}
