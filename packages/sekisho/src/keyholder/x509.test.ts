import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addressOctets, integer, objectId, time } from '../x509/der.ts'
import { Keys } from './keys.ts'
import { toPem } from '../x509/certificate.ts'
import { type Authority, issueLeaf, makeAuthority } from './x509.ts'

const SESSION = 's-00000000000000000000'
const NOW = new Date()
const HOUR_MS = 3_600_000
const authority = makeAuthority(
  SESSION,
  new Keys(Buffer.alloc(32, 7)).sessionAuthority(SESSION),
  NOW,
)
const leafKey = newKey()

test('the authority is a certificate authority for leaves, and for nothing below them', () => {
  const certificate = new X509Certificate(authority.certificate)
  expect(certificate.subject).toBe(`CN=Sekisho session ${SESSION}`)
  expect(certificate.issuer).toBe(certificate.subject)
  expect(certificate.ca).toBe(true)
  expect(certificate.verify(certificate.publicKey)).toBe(true)
  expect(certificate.validToDate.getTime() - NOW.getTime()).toBeLessThanOrEqual(7 * 24 * HOUR_MS)
  expect(NOW.getTime() - certificate.validFromDate.getTime()).toBeGreaterThanOrEqual(5 * 60_000)
  const text = opensslText(authority.certificate)
  expect(text).toContain('CA:TRUE, pathlen:0')
  expect(text).toContain('X509v3 Basic Constraints: critical')
  expect(text).toContain('X509v3 Key Usage: critical\n                Certificate Sign, CRL Sign')
})

test.for(['api.example.com', 'localhost', '127.0.0.1', '2001:db8::7', `${'a'.repeat(63)}.example`])(
  'a leaf for %s is for that host alone',
  (host) => {
    const certificate = new X509Certificate(issue(host).certificate)
    const isAddress = /^[\d.]+$|:/.test(host)
    expect(isAddress ? certificate.checkIP(host) : certificate.checkHost(host)).toBe(host)
    expect(certificate.checkHost('other.example.com')).toBeUndefined()
    expect(certificate.checkIP('127.0.0.2')).toBeUndefined()
    expect(certificate.checkIssued(new X509Certificate(authority.certificate))).toBe(true)
    expect(certificate.ca).toBe(false)
    expect(certificate.validToDate.getTime() - NOW.getTime()).toBeLessThanOrEqual(24 * HOUR_MS)
    expect(certificate.serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/)
    expect(opensslVerify(certificate.raw, host)).toContain('OK')
  },
)

test('a leaf says what it may be used for', () => {
  const text = opensslText(issue('api.example.com').certificate)
  expect(text).toContain('TLS Web Server Authentication')
  expect(text).toContain('X509v3 Key Usage: critical\n                Digital Signature')
  expect(text).toContain('X509v3 Authority Key Identifier')
  expect(text).toContain('Signature Algorithm: ecdsa-with-SHA256')
})

test('a leaf never outlives its authority', () => {
  const late = new Date(authority.notAfter.getTime() - HOUR_MS)
  const { notAfter } = issueLeaf(
    authority,
    { host: 'a.example', spki: spkiOf(leafKey.publicKey) },
    late,
  )
  expect(notAfter).toEqual(authority.notAfter)
})

test('openssl refuses a leaf for another host, or of another authority', () => {
  const leaf = issue('api.example.com').certificate
  expect(() => opensslVerify(leaf, 'evil.example.com')).toThrow()
  const other = makeAuthority(SESSION, newKey().privateKey, NOW)
  expect(() => opensslVerify(leaf, 'api.example.com', other)).toThrow()
})

test('the authority that a restarted keyholder makes vouches for the old leaves', () => {
  const key = new Keys(Buffer.alloc(32, 7)).sessionAuthority(SESSION)
  const again = makeAuthority(SESSION, key, new Date(NOW.getTime() + 60_000))
  expect(opensslVerify(issue('api.example.com').certificate, 'api.example.com', again)).toContain(
    'OK',
  )
})

test.for([
  ['api.example.com', 'api.example.com', 'authorized'],
  ['api.example.com', 'evil.example.com', 'ERR_TLS_CERT_ALTNAME_INVALID'],
] as const)(
  'a TLS client that trusts the authority meets %s as %s: %s',
  async ([issued, asked, want]) => {
    expect(await handshake(issued, asked)).toBe(want)
  },
)

test('a leaf costs well under a millisecond', () => {
  const spki = spkiOf(leafKey.publicKey)
  const times = Array.from({ length: 300 }, (_, i) => {
    const startMs = performance.now()
    issueLeaf(authority, { host: `h${i}.example.com`, spki }, NOW)
    return performance.now() - startMs
  }).sort((a, b) => a - b)
  expect(times[30]).toBeLessThan(1) // a tenth of them, which no neighbour has interrupted
})

test.for([
  ['0.0.0.0', '00000000'],
  ['255.1.2.3', 'ff010203'],
  ['::', '00000000000000000000000000000000'],
  ['::1', '00000000000000000000000000000001'],
  ['2001:db8::ff:1', '20010db800000000000000000000ff01'.replace('00ff01', 'ff0001')],
  ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
  ['::ffff:192.0.2.1', '00000000000000000000ffffc0000201'],
  ['fe80::', 'fe800000000000000000000000000000'],
] as const)('the octets of %s are %s', ([address, hex]) => {
  expect(addressOctets(address).toString('hex')).toBe(hex)
})

test.for([
  [time(new Date('2049-12-31T23:59:59Z')), '170d3439313233313233353935395a'],
  [time(new Date('2050-01-01T00:00:00Z')), '180f32303530303130313030303030305a'],
  [integer(Buffer.from([0, 0, 0x7f])), '02017f'],
  [integer(Buffer.from([0x80])), '02020080'],
  [integer(Buffer.from([0])), '020100'],
  [objectId('1.2.840.10045.4.3.2'), '06082a8648ce3d040302'],
] as const)('%# is DER', ([der, hex]) => {
  expect(der.toString('hex')).toBe(hex)
})

test('every certificate is one that node parses, whatever the host is called', () => {
  const label = fc.stringMatching(/^[a-z0-9]{1,20}$/)
  fc.assert(
    fc.property(fc.array(label, { minLength: 1, maxLength: 8 }), (labels) => {
      const host = `${labels.join('.')}.example`
      expect(new X509Certificate(issue(host).certificate).checkHost(host)).toBe(host)
    }),
    { numRuns: 50 },
  )
})

function issue(host: string): { certificate: Buffer; notAfter: Date } {
  return issueLeaf(authority, { host, spki: spkiOf(leafKey.publicKey) }, NOW)
}

function newKey(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

function spkiOf(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' })
}

async function handshake(issued: string, servername: string): Promise<string> {
  const server = tls.createServer({
    key: leafKey.privateKey.export({ format: 'pem', type: 'pkcs8' }),
    cert: toPem(issue(issued).certificate),
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a TCP server has no other kind
  const { port } = server.address() as AddressInfo
  const client = tls.connect({
    host: '127.0.0.1',
    port,
    servername,
    ca: toPem(authority.certificate),
  })
  const outcome = await new Promise<string>((resolve) => {
    client.once('secureConnect', () => resolve('authorized'))
    client.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
  })
  client.destroy()
  server.close()
  return outcome
}

function opensslText(certificate: Buffer): string {
  return execFileSync('openssl', ['x509', '-inform', 'DER', '-text', '-noout'], {
    input: certificate,
    encoding: 'utf8',
  })
}

function opensslVerify(leaf: Buffer, host: string, by: Authority = authority): string {
  const check = /^[\d.]+$|:/.test(host) ? '-verify_ip' : '-verify_hostname'
  const files = { 'ca.pem': toPem(by.certificate), 'leaf.pem': toPem(leaf) }
  return inDirectory(files, (dir) => {
    const args = [
      'verify',
      '-x509_strict',
      '-purpose',
      'sslserver',
      check,
      host,
      '-CAfile',
      'ca.pem',
      'leaf.pem',
    ]
    return execFileSync('openssl', args, { cwd: dir, encoding: 'utf8', stdio: 'pipe' })
  })
}

function inDirectory<T>(files: Record<string, string>, use: (dir: string) => T): T {
  const dir = mkdtempSync(join(tmpdir(), 'sekisho-x509-'))
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, name), content)
    return use(dir)
  } finally {
    rmSync(dir, { recursive: true })
  }
}
