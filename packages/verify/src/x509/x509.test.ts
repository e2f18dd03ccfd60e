import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  certificate,
  certificateBody,
  type CertificateFields,
  der,
  ECDSA,
  extension,
  newKey,
  OID,
  sealed,
} from '../testing/certificates.ts'
import { parseCertificate, parsePublicKey } from './certificate.ts'
import { isValidAt, readCertificateOf, whyNotIssuedBy } from './chain.ts'
import { parseSpiffe, type Role, whyNotRole } from './profile.ts'
import { PROTECTION_OID, PROTECTION_OID_DER } from './protection.ts'

const T0 = Date.parse('2026-01-02T03:00:00.000Z')
const HOUR_MS = 3_600_000
const [root, issuing, session] = [newKey(), newKey(), newKey()]
const DIGEST = `sha256:${'a'.repeat(64)}`
const URI = 'spiffe://td.internal/tenant/default/agent/a/session/s'

const SESSION: CertificateFields = {
  subject: 'session',
  issuer: 'issuing',
  uri: URI,
  spki: session.spki,
  notBefore: T0,
  notAfter: T0 + HOUR_MS,
  pathLength: null,
  protection: { class: 'software', emulated: false, configuration: DIGEST },
  extensions: [],
}
const ISSUING: CertificateFields = {
  ...SESSION,
  subject: 'issuing',
  issuer: 'root',
  uri: 'spiffe://td.internal',
  spki: issuing.spki,
  notAfter: T0 + 90 * 24 * HOUR_MS,
  pathLength: 0,
  protection: { class: 'derived', emulated: false },
}

function read(fields: CertificateFields): ReturnType<typeof parseCertificate> {
  return parseCertificate(Buffer.from(certificate(fields, issuing.key), 'base64'))
}

test('a certificate is read to its last field', () => {
  expect(read(SESSION)).toMatchObject({
    serial: '41010203',
    notBefore: T0,
    notAfter: T0 + HOUR_MS,
    key: { algorithm: 'p256', spki: session.spki },
    isAuthority: false,
    pathLength: null,
    usage: { digitalSignature: true, certificateSign: false },
    uri: URI,
    protection: { class: 'software', emulated: false, configuration: DIGEST },
  })
  expect(read({ ...ISSUING, notAfter: Date.parse('2051-01-01T00:00:00Z') })).toMatchObject({
    isAuthority: true,
    pathLength: 0,
    notAfter: Date.parse('2051-01-01T00:00:00Z'),
    usage: { digitalSignature: false, certificateSign: true },
  })
})

test('who issued it is a matter of name and signature', () => {
  const issuer = parseCertificate(Buffer.from(certificate(ISSUING, root.key), 'base64'))
  const made = read(SESSION)
  if (typeof made === 'string' || typeof issuer === 'string') throw new Error('not read')
  expect(whyNotIssuedBy(made, issuer)).toBeUndefined()
  expect(whyNotIssuedBy({ ...made, issuer: made.subject }, issuer)).toBe('it names another issuer')
  expect(whyNotIssuedBy(made, { ...issuer, key: made.key })).toBe('its issuer did not sign it')
  const spki = Buffer.concat([issuer.key.spki.subarray(0, -1), Buffer.from([7])])
  expect(whyNotIssuedBy(made, { ...issuer, key: { algorithm: 'p256', spki } })).toBe(
    'its issuer did not sign it',
  )
})

test('it is valid within its dates, and a little beside them where clocks differ', () => {
  const dates = { notBefore: 1000, notAfter: 2000 }
  expect([999, 1000, 2000, 2001].map((at) => isValidAt(dates, at, 0))).toEqual([
    false,
    true,
    true,
    false,
  ])
  expect([900, 899, 2100, 2101].map((at) => isValidAt(dates, at, 100))).toEqual([
    true,
    false,
    true,
    false,
  ])
})

test.for<{ name: string; fields: Partial<CertificateFields>; role: Role; why: string | undefined }>(
  [
    { name: 'a session', fields: {}, role: 'session', why: undefined },
    { name: 'an issuing authority', fields: ISSUING, role: 'issuing', why: undefined },
    { name: 'a root', fields: { ...ISSUING, pathLength: 1 }, role: 'root', why: undefined },
    { name: 'a session as an authority', fields: {}, role: 'issuing', why: 'it is no authority' },
    {
      name: 'an authority as a session',
      fields: ISSUING,
      role: 'session',
      why: 'it is an authority',
    },
    {
      name: 'an issuing authority with others below it',
      fields: { ...ISSUING, pathLength: 1 },
      role: 'issuing',
      why: 'authorities could stand below it',
    },
    {
      name: 'a root with nobody below it',
      fields: ISSUING,
      role: 'root',
      why: 'no issuing authority may stand below it',
    },
    {
      name: 'a session for two hours',
      fields: { notAfter: T0 + 2 * HOUR_MS },
      role: 'session',
      why: 'it is valid for too long',
    },
    { name: 'never', fields: { notAfter: T0 }, role: 'session', why: 'it is never valid' },
    { name: 'nobody', fields: { uri: null }, role: 'session', why: 'it names nobody' },
    {
      name: 'another scheme',
      fields: { uri: 'https://td.internal/x' },
      role: 'session',
      why: 'its name is no SPIFFE ID',
    },
    {
      name: 'a session without a configuration',
      fields: { protection: { class: 'software', emulated: false } },
      role: 'session',
      why: 'it names no configuration',
    },
    { name: 'a gate with one', fields: {}, role: 'gate', why: 'it names a configuration' },
    {
      name: 'no protection',
      fields: { protection: null },
      role: 'session',
      why: 'it does not say where its key is',
    },
    {
      name: 'a log with a P-256 key',
      fields: { protection: { class: 'derived', emulated: false } },
      role: 'log',
      why: 'its key is not ed25519',
    },
  ],
)('$name, asked to be a $role: $why', ({ fields, role, why }) => {
  const made = read({ ...SESSION, ...fields })
  if (typeof made === 'string') throw new Error(made)
  expect(whyNotRole(made, role)).toBe(why)
})

const signedBody = (body: Buffer): Buffer => sealed(body, issuing.key)
const good = Buffer.from(certificate(SESSION, issuing.key), 'base64')
const withExtension = (...extensions: Buffer[]): Buffer =>
  signedBody(certificateBody({ ...SESSION, extensions }))
const replaced = (from: Buffer, to: Buffer): Buffer => {
  const body = certificateBody(SESSION)
  const at = body.indexOf(from)
  return signedBody(Buffer.concat([body.subarray(0, at), to, body.subarray(at + from.length)]))
}

test.for<{ name: string; bytes: Buffer; why: string }>([
  { name: 'nothing', bytes: Buffer.alloc(0), why: 'the certificate is missing' },
  { name: 'one octet too few', bytes: good.subarray(0, -1), why: 'the certificate is cut off' },
  {
    name: 'one octet too many',
    bytes: Buffer.concat([good, Buffer.from([0])]),
    why: 'the certificate has more in it than is known',
  },
  { name: 'far too much', bytes: Buffer.alloc(9000), why: 'a certificate of 9000 bytes' },
  {
    name: 'an unknown extension',
    bytes: withExtension(extension(Buffer.from('0603551d1e', 'hex'), der(0x30))),
    why: 'an extension that is not known, 0603551d1e',
  },
  {
    name: 'an extension twice',
    bytes: withExtension(extension(OID.keyUsage, der(0x03, Buffer.from([7, 0x80])), true)),
    why: 'an extension that is there twice',
  },
  {
    name: 'an indefinite length',
    bytes: Buffer.from('3080', 'hex'),
    why: 'the certificate: a length of another form',
  },
  {
    name: 'a length that is not the shortest',
    bytes: Buffer.from('30810100', 'hex'),
    why: 'the certificate: a length that is not the shortest',
  },
  {
    name: 'another version',
    bytes: replaced(Buffer.from('a003020102', 'hex'), Buffer.from('a003020101', 'hex')),
    why: 'want a certificate of version 3',
  },
  {
    name: 'a critical that is written out as false',
    bytes: replaced(Buffer.from('0603551d130101ff', 'hex'), Buffer.from('0603551d13010100', 'hex')),
    why: 'critical: a default that is written',
  },
  {
    name: 'a negative serial number',
    bytes: replaced(Buffer.from('020441010203', 'hex'), Buffer.from('0204c1010203', 'hex')),
    why: 'the serial number is negative or empty',
  },
  {
    name: 'the 30th of February',
    bytes: replaced(Buffer.from('260102030000Z'), Buffer.from('260230030000Z')),
    why: 'notBefore: not a time',
  },
  {
    name: 'a compressed key',
    bytes: replaced(Buffer.from('03420004', 'hex'), Buffer.from('03420003', 'hex')),
    why: 'want a plain point',
  },
  {
    name: 'another signature algorithm',
    bytes: der(
      0x30,
      certificateBody(SESSION),
      der(0x30, Buffer.from('06082a8648ce3d040303', 'hex')),
      der(0x03, Buffer.alloc(9)),
    ),
    why: 'signed by another algorithm',
  },
  {
    name: 'a scalar that is too long',
    bytes: der(
      0x30,
      certificateBody(SESSION),
      ECDSA,
      der(
        0x03,
        Buffer.from([0]),
        der(0x30, der(0x02, Buffer.alloc(33, 1)), der(0x02, Buffer.from([1]))),
      ),
    ),
    why: 'a scalar too long',
  },
  {
    name: 'two names',
    bytes: replaced(
      der(0x30, der(0x86, Buffer.from(URI))),
      der(0x30, der(0x86, Buffer.from(URI.slice(0, -3))), der(0x86, Buffer.from('x'))),
    ),
    why: 'the subjectAltName has more in it than is known',
  },
])('$name is refused, and said', ({ bytes, why }) => {
  expect(parseCertificate(bytes)).toBe(why)
})

test('whatever one octet of a certificate is changed to, it is refused, or its issuer did not sign it', () => {
  const issuer = parseCertificate(Buffer.from(certificate(ISSUING, root.key), 'base64'))
  if (typeof issuer === 'string') throw new Error(issuer)
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
      const bytes = Buffer.from(good)
      bytes[at] = (bytes[at] ?? 0) ^ by
      const made = parseCertificate(bytes)
      expect(typeof made === 'string' ? made : whyNotIssuedBy(made, issuer)).toEqual(
        expect.any(String),
      )
    }),
    { numRuns: 400 },
  )
})

test('no bytes at all make the reader throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(typeof parseCertificate(Buffer.from(bytes))).toBe('string')
      expect(typeof parsePublicKey(Buffer.from(bytes))).toBe('string')
    }),
  )
})

test('the extension’s name is the one that its octets are', () => {
  let arc = 0n
  for (const octet of PROTECTION_OID_DER.subarray(3)) arc = arc * 128n + BigInt(octet & 0x7f)
  expect(`2.25.${arc}`).toBe(PROTECTION_OID)
})

test.for([
  ['spiffe://td/a/b', { trustDomain: 'td', path: '/a/b' }],
  ['spiffe://td', { trustDomain: 'td', path: '' }],
  ['spiffe://TD/a', undefined],
  ['spiffe:///a', undefined],
  ['http://td/a', undefined],
] as const)('%s names %o', ([uri, named]) => {
  expect(parseSpiffe(uri)).toEqual(named)
})

test('what is not base64, or not DER, is no certificate', () => {
  expect(readCertificateOf('session', undefined)).toBe('not base64')
  expect(readCertificateOf('session', 'AAAA')).toBe('the certificate: tag 0, want 48')
})
