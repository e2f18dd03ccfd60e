import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

/** A throw-away CA for tests, in as little DER as TLS accepts (RFC 5280 §4.1). */
export type TestCa = { pem: string; issue(host: string, spki: Buffer): Buffer }
export type TestIdentity = { key: string; cert: string }

const ECDSA_SHA256 = seq(Buffer.from('06082a8648ce3d040302', 'hex'))

export function makeTestCa(): TestCa {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const basic = extension('551d13', seq(Buffer.from('0101ff', 'hex')), true)
  const usage = extension('551d0f', Buffer.from('03020106', 'hex'), true)
  const own = certificate({ subject: 'test ca', spki, extensions: [basic, usage] }, privateKey)
  return {
    pem: toPem(own),
    issue: (host, leafSpki) => {
      const san = extension('551d11', seq(tlv(0x82, Buffer.from(host))), false)
      return certificate({ subject: host, spki: leafSpki, extensions: [san] }, privateKey)
    },
  }
}

export function makeIdentity(ca: TestCa, host: string): TestIdentity {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: toPem(ca.issue(host, spki)),
  }
}

type Content = { subject: string; spki: Buffer; extensions: Buffer[] }

function certificate({ subject, spki, extensions }: Content, issuer: KeyObject): Buffer {
  const body = seq(
    tlv(0xa0, Buffer.from('020102', 'hex')),
    tlv(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ECDSA_SHA256,
    name('test ca'),
    seq(time(Date.now() - 60_000), time(Date.now() + 3_600_000)),
    name(subject),
    spki,
    tlv(0xa3, seq(...extensions)),
  )
  const signature = sign('sha256', body, issuer)
  return seq(body, ECDSA_SHA256, tlv(0x03, Buffer.concat([Buffer.from([0]), signature])))
}

function name(commonName: string): Buffer {
  const value = tlv(0x0c, Buffer.from(commonName))
  return seq(tlv(0x31, seq(Buffer.from('0603550403', 'hex'), value)))
}

function extension(oid: string, value: Buffer, isCritical: boolean): Buffer {
  const critical = isCritical ? Buffer.from('0101ff', 'hex') : Buffer.alloc(0)
  return seq(tlv(0x06, Buffer.from(oid, 'hex')), critical, tlv(0x04, value))
}

function time(ms: number): Buffer {
  const text = new Date(ms)
    .toISOString()
    .replace(/[-:T]|\.\d+/g, '')
    .slice(2)
  return tlv(0x17, Buffer.from(text)) // UTCTime until 2050
}

function seq(...parts: Buffer[]): Buffer {
  return tlv(0x30, Buffer.concat(parts))
}

function tlv(tag: number, content: Buffer): Buffer {
  const { length } = content
  if (length < 128) return Buffer.concat([Buffer.from([tag, length]), content])
  if (length < 256) return Buffer.concat([Buffer.from([tag, 0x81, length]), content])
  const size = Buffer.alloc(2)
  size.writeUInt16BE(length, 0)
  return Buffer.concat([Buffer.from([tag, 0x82]), size, content])
}

function toPem(der: Buffer): string {
  const lines =
    der
      .toString('base64')
      .match(/.{1,64}/g)
      ?.join('\n') ?? ''
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
}
