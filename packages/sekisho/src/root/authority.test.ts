import { generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import type { RootRequest } from '../wire/identity.ts'
import { RootAuthority } from './authority.ts'
import type { RootKey } from './provider.ts'

const DAY_MS = 86_400_000
const NOW = new Date('2026-11-22T12:00:00Z')
const TRUST_DOMAIN = 'agents.example.org'
let key: RootKey
let authority: RootAuthority
beforeAll(async () => {
  key = softKey()
  authority = await RootAuthority.create(key, TRUST_DOMAIN, NOW)
})

test('a root signs itself, for its trust domain, and says where its key is', () => {
  const certificate = new X509Certificate(authority.certificate)
  expect({
    ca: certificate.ca,
    isOwn: certificate.verify(certificate.publicKey),
    name: certificate.subjectAltName,
    begins: certificate.validFromDate.toISOString(),
    ends: certificate.validToDate.toISOString(),
  }).toEqual({
    ca: true,
    isOwn: true,
    name: `URI:spiffe://${TRUST_DOMAIN}`,
    begins: '2026-11-22T11:55:00.000Z',
    ends: '2046-11-17T12:00:00.000Z',
  })
})

test.for([
  ['issuing', true],
  ['log', false],
] as const)('what is for %s is what was asked for, by the profile', async ([purpose, ca]) => {
  const asked = request({ purpose })
  const made = new X509Certificate(await authority.certify(asked, NOW))
  expect({
    ca: made.ca,
    spki: made.publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
    begins: made.validFromDate.getTime(),
    ends: made.validToDate.getTime(),
    isIssued: made.checkIssued(new X509Certificate(authority.certificate)),
  }).toEqual({
    ca,
    spki: asked.spki,
    begins: asked.notBefore,
    ends: asked.notAfter,
    isIssued: true,
  })
})

test('a number is on one certificate only', async () => {
  const asked = request({ purpose: 'log' })
  const made = await Promise.all(Array.from({ length: 20 }, () => authority.certify(asked, NOW)))
  const numbers = made.map((certificate) => new X509Certificate(certificate).serialNumber)
  expect(new Set(numbers).size).toBe(20)
})

const at = (ms: number): number => NOW.getTime() + ms

test.for([
  ['for another trust domain', { trustDomain: 'other.example.org' }, 'the trust domain'],
  ['an Ed25519 key that issues', { spki: ed25519() }, 'issuing of what is not a P-256 key'],
  ['a P-256 key of a log', { purpose: 'log', spki: p256() }, 'log of what is not an Ed25519 key'],
  ['a key of another curve', { spki: spkiOf('P-384') }, 'issuing of what is not a P-256 key'],
  ['what is no key', { spki: 'AAAA' }, 'a key that cannot be read'],
  ['a key with something behind it', { spki: trailed(p256()) }, 'a key that'],
  [
    'a key that it cannot know to be in a device',
    { protection: { class: 'tpm2', emulated: false } },
    'the protection tpm2 of a key that it does not see',
  ],
  ['a life that began yesterday', { notBefore: at(-DAY_MS) }, 'a beginning that is not now'],
  ['a life that begins tomorrow', { notBefore: at(DAY_MS) }, 'a beginning that is not now'],
  ['a life of a hundred days', { notAfter: at(100 * DAY_MS) }, 'so long a life'],
  ['a log’s life of two years', { purpose: 'log', notAfter: at(730 * DAY_MS) }, 'so long a life'],
  ['a life that is over', { notAfter: at(-1) }, 'so long a life'],
] as const satisfies readonly [string, Partial<RootRequest>, string][])(
  'it does not certify %s',
  async ([, changed, says]) => {
    await expect(authority.certify(request(changed), NOW)).rejects.toMatchObject({
      code: 'PROTOCOL_VIOLATION',
      message: expect.stringContaining(says),
    })
  },
)

test('it does not certify its own key again', async () => {
  const own = request({ spki: key.spki.toString('base64') })
  await expect(authority.certify(own, NOW)).rejects.toMatchObject({ code: 'PROTOCOL_VIOLATION' })
})

test('near its end it certifies nothing beyond that', async () => {
  const late = new Date('2046-11-01T00:00:00Z')
  const asked = request({ notBefore: late.getTime(), notAfter: late.getTime() + 30 * DAY_MS })
  await expect(authority.certify(asked, late)).rejects.toMatchObject({
    message: 'the root does not certify a life beyond the root’s own',
  })
})

test('a device that signs something else is not believed', async () => {
  const lying: RootKey = { ...key, sign: async () => randomBytes(64) }
  await expect(RootAuthority.create(lying, TRUST_DOMAIN, NOW)).rejects.toMatchObject({
    code: 'ROOT_KEY_UNUSABLE',
    message: 'what the root key signed does not verify',
  })
})

function request(changed: Partial<RootRequest>): RootRequest {
  const purpose = changed.purpose ?? 'issuing'
  return {
    purpose,
    spki: purpose === 'log' ? ed25519() : p256(),
    trustDomain: TRUST_DOMAIN,
    protection: { class: 'derived', emulated: false },
    notBefore: at(-5 * 60_000),
    notAfter: at(90 * DAY_MS - 5 * 60_000),
    ...changed,
  }
}

function softKey(): RootKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    spki: publicKey.export({ format: 'der', type: 'spki' }),
    protection: { class: 'passphrase', emulated: false },
    sign: async (message) =>
      sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
    close: async () => undefined,
  }
}

function ed25519(): string {
  const { publicKey } = generateKeyPairSync('ed25519')
  return publicKey.export({ format: 'der', type: 'spki' }).toString('base64')
}

function p256(): string {
  return spkiOf('P-256')
}

function spkiOf(namedCurve: string): string {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve })
  return publicKey.export({ format: 'der', type: 'spki' }).toString('base64')
}

function trailed(text: string): string {
  return Buffer.concat([Buffer.from(text, 'base64'), Buffer.from([0])]).toString('base64')
}
