import { createHash, X509Certificate } from 'node:crypto'

const MAGIC = 0xfeedfeed
const VERSION = 2
const TRUSTED_CERTIFICATE = 2
/** Java opens its default trust store without a password; the digest still needs the customary one. */
const PASSWORD = 'changeit'

/**
 * A JKS key store that trusts one certificate: what Java reads from `lib/security/cacerts`.
 *
 * The format is written by `sun.security.provider.JavaKeyStore#engineStore`: big-endian fields,
 * then SHA-1 over the password in UTF-16, the words "Mighty Aphrodite" and the fields. The digest
 * protects nothing here; the file is read-only by its mount.
 *
 * @param createdAtMs wall clock, Unix ms; shown by keytool, not checked
 */
export function javaTrustStore(caPem: string, createdAtMs: number): Buffer {
  const certificate = new X509Certificate(caPem).raw
  const body = Buffer.concat([
    uint32(MAGIC),
    uint32(VERSION),
    uint32(1),
    uint32(TRUSTED_CERTIFICATE),
    text('sekisho-session'),
    uint64(createdAtMs),
    text('X.509'),
    uint32(certificate.length),
    certificate,
  ])
  const digest = createHash('sha1')
    .update(Buffer.from(PASSWORD, 'utf16le').swap16())
    .update('Mighty Aphrodite')
    .update(body)
    .digest()
  return Buffer.concat([body, digest])
}

function uint32(value: number): Buffer {
  const field = Buffer.alloc(4)
  field.writeUInt32BE(value)
  return field
}

function uint64(value: number): Buffer {
  const field = Buffer.alloc(8)
  field.writeBigUInt64BE(BigInt(value))
  return field
}

/** Java's `writeUTF`: a 16-bit length, then the bytes. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(bytes.length)
  return Buffer.concat([length, bytes])
}
