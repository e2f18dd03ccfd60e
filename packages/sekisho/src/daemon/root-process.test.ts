import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { RootRequest } from '../wire/identity.ts'
import type { RootFile } from '../wire/root.ts'
import { pathsFrom } from './paths.ts'
import { readRootFile, refuseSecondRoot, writeRootFile } from './root-file.ts'
import { type MadeRoot, RootProcess } from './root-process.ts'
import { ForkedRoot } from './testing/root-child.ts'

const DAY_MS = 86_400_000
const TRUST_DOMAIN = 'agents.example.org'
const PASSPHRASE = ['correct', 'horse', 'battery', 'staple'].join(' ')
const SETTINGS = { provider: 'passphrase', passphrase: 'env:ROOT_PASSPHRASE' } as const

let directory = ''
let launched: ForkedRoot[] = []
let made: MadeRoot
beforeAll(async () => {
  made = await root().create(TRUST_DOMAIN)
})
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sekisho-root-'))
  launched = []
})
afterEach(() => {
  rmSync(directory, { recursive: true })
  expect(launched.map(({ isGone }) => isGone)).toEqual(launched.map(() => true))
  expect(launched.map(({ output }) => output).join('')).not.toContain(PASSPHRASE)
})

test('a root that is made certifies in another process, and none is left over', async () => {
  init()
  const { certificate } = made.description
  expect(await root().describe()).toEqual({
    trustDomain: TRUST_DOMAIN,
    certificate,
    protection: { class: 'passphrase', emulated: false },
  })
  const requests = [request('issuing'), request('log')]
  const certified = await root().certify(requests)
  expect([certified.root, certified.rootProtection, certified.certificates.length]).toEqual([
    certificate,
    { class: 'passphrase', emulated: false },
    2,
  ])
  const own = read(certificate)
  expect([own.ca, own.verify(own.publicKey)]).toEqual([true, true])
  for (const [at, made] of certified.certificates.map(read).entries()) {
    expect(made.verify(own.publicKey)).toBe(true)
    expect(made.checkIssued(own)).toBe(true)
    expect(made.ca).toBe(at === 0)
    expect(spkiOf(made)).toBe(requests[at]?.spki)
  }
  expect(launched).toHaveLength(2)
})

test.for([
  ['a root that is kept', 'root.json'],
  ['a pinned root', 'root.pem'],
  ['a log that has begun', 'keyholder/log/000000000001.log'],
] as const)('beside %s no second root is made', async ([, file]) => {
  const paths = pathsFrom({ SEKISHO_HOME: directory })
  expect(() => refuseSecondRoot(paths)).not.toThrow()
  mkdirSync(join(paths.keyholderState, 'log'), { recursive: true })
  expect(() => refuseSecondRoot(paths)).not.toThrow()
  if (file === 'root.json') writeRootFile(paths.rootFile, made.file)
  else writeFileSync(join(paths.state, file), 'x')
  expect(() => refuseSecondRoot(paths)).toThrow(
    expect.objectContaining({ code: 'USAGE', hint: expect.any(String) }),
  )
})

test('another passphrase opens nothing, and is not in the error', async () => {
  init()
  const wrong = root({ ROOT_PASSPHRASE: 'a wrong passphrase 4711' })
  const failed = await wrong.certify([request('log')]).catch((error: unknown) => error)
  expect(failed).toMatchObject({
    code: 'ROOT_KEY_UNUSABLE',
    message: 'the passphrase does not open the root key: it is another one, or the file is damaged',
  })
  expect(JSON.stringify(failed)).not.toContain('4711')
})

test.for([
  ['a character of the key', (file) => flip(file, 'sealed')],
  ['the salt', (file) => flip(file, 'salt')],
  ['the nonce', (file) => flip(file, 'nonce')],
] as const satisfies [string, (file: string) => string][])(
  '%s changed in the file opens nothing',
  async ([, change]) => {
    init()
    writeFileSync(file(), change(readFileSync(file(), 'utf8')))
    await expect(root().describe()).rejects.toMatchObject({ code: 'ROOT_KEY_UNUSABLE' })
  },
)

test('the certificate of another root beside the key is noticed', async () => {
  const other = await root().create(TRUST_DOMAIN)
  writeRootFile(file(), { ...made.file, certificate: other.file.certificate })
  await expect(root().describe()).rejects.toMatchObject({
    code: 'ROOT_KEY_UNUSABLE',
    message: 'the root’s certificate is not of the root’s key',
  })
})

test('another trust domain than the certificate’s is noticed', async () => {
  writeRootFile(file(), { ...made.file, trustDomain: 'other.example.org' })
  await expect(root().describe()).rejects.toMatchObject({ code: 'ROOT_KEY_UNUSABLE' })
})

test('half a file is no root, and no process is started for it', async () => {
  init()
  const text = readFileSync(file(), 'utf8')
  writeFileSync(file(), text.slice(0, text.length / 2))
  expect(() => root().kept()).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  await expect(root().describe()).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: `${file()} is not the whole file of a root key`,
  })
  expect(launched).toEqual([])
})

test('a file that asks for a gigabyte and more of work is not obeyed', async () => {
  init()
  const text = readFileSync(file(), 'utf8')
  writeFileSync(file(), text.replace('"N": 131072', '"N": 1073741824'))
  await expect(root().describe()).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  writeFileSync(file(), text.replace('"N": 131072', '"N": 2'))
  await expect(root().describe()).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  expect(launched).toEqual([])
})

test('a file that others can read is refused', async () => {
  init()
  chmodSync(file(), 0o640)
  await expect(root().describe()).rejects.toMatchObject({
    code: 'PERMISSION_REQUIRED',
    message: `${file()} is open to others`,
  })
})

test('without a file the first thing to do is named', async () => {
  await expect(root().describe()).rejects.toMatchObject({
    code: 'ROOT_KEY_UNUSABLE',
    hint: expect.stringContaining('sekisho root init'),
  })
})

test('without its passphrase it is not opened', async () => {
  init()
  await expect(root({}).describe()).rejects.toMatchObject({ code: 'SECRET_MISSING' })
})

test('a passphrase that is soon guessed makes no root', async () => {
  await expect(root({ ROOT_PASSPHRASE: 'hunter2' }).create(TRUST_DOMAIN)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: 'the root’s passphrase is shorter than 12 characters',
  })
})

test('a root is never made over another', () => {
  init()
  expect(() => writeRootFile(file(), made.file)).toThrow(expect.objectContaining({ code: 'USAGE' }))
  expect(readRootFile(file())).toEqual(made.file)
})

const file = (): string => join(directory, 'root.json')

function root(environment: NodeJS.ProcessEnv = { ROOT_PASSPHRASE: PASSPHRASE }): RootProcess {
  return new RootProcess({
    settings: SETTINGS,
    file: file(),
    environment,
    warn: () => undefined,
    launch: () => {
      const child = new ForkedRoot(SETTINGS)
      launched.push(child)
      return child
    },
  })
}

function init(): void {
  writeRootFile(file(), made.file)
}

function request(purpose: RootRequest['purpose']): RootRequest {
  const { publicKey } =
    purpose === 'log'
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const spki = publicKey.export({ format: 'der', type: 'spki' }).toString('base64')
  const notBefore = Date.now() - 5 * 60_000
  return {
    purpose,
    spki,
    trustDomain: TRUST_DOMAIN,
    protection: { class: 'derived', emulated: false },
    notBefore,
    notAfter: notBefore + 90 * DAY_MS,
  }
}

function read(certificate: string): X509Certificate {
  return new X509Certificate(Buffer.from(certificate, 'base64'))
}

function spkiOf(certificate: X509Certificate): string {
  return certificate.publicKey.export({ format: 'der', type: 'spki' }).toString('base64')
}

/** Changes the second character of a member's value: base64, and never its padding. */
function flip(text: string, member: keyof RootFile['key'] | 'salt' | 'sealed' | 'nonce'): string {
  return text.replace(new RegExp(`("${member}": ".)(.)`), (_all, before: string, digit: string) =>
    digit === 'A' ? `${before}B` : `${before}A`,
  )
}
