import { createHash } from 'node:crypto'

const MAGIC = 0xfeedfeed
const VERSION = 2
const TRUSTED_CERTIFICATE = 2
const PASSWORD = 'changeit'
/** What the JDK mixes into the digest (sun.security.provider.JavaKeyStore). */
const WHITENER = 'Mighty Aphrodite'

/**
 * A Java trust store that holds one certificate, alias `sekisho`, password `changeit`: JKS, which
 * every JDK reads. The password is the JDK's own default and keeps nothing secret.
 */
export function makeTrustStore(certificate: Buffer, now: Date): Buffer {
  const head = Buffer.alloc(16)
  head.writeUInt32BE(MAGIC, 0)
  head.writeUInt32BE(VERSION, 4)
  head.writeUInt32BE(1, 8)
  head.writeUInt32BE(TRUSTED_CERTIFICATE, 12)
  const madeAt = Buffer.alloc(8)
  madeAt.writeBigUInt64BE(BigInt(now.getTime()))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(certificate.length)
  const body = Buffer.concat([head, utf('sekisho'), madeAt, utf('X.509'), length, certificate])
  const digest = createHash('sha1').update(utf16be(PASSWORD)).update(WHITENER).update(body).digest()
  return Buffer.concat([body, digest])
}

/** java.io.DataOutput.writeUTF, of ASCII */
function utf(text: string): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(text.length)
  return Buffer.concat([length, Buffer.from(text, 'ascii')])
}

function utf16be(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16()
}
