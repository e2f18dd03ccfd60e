import { type CertifiedKey, parseCertificate, parsePublicKey } from './certificate.ts'

const MAX_PEM_CHARACTERS = 65_536
const BLOCK = /-----BEGIN (CERTIFICATE|PUBLIC KEY)-----([\s\S]*?)-----END \1-----/g

/**
 * The public keys of the certificates or keys in a PEM file (RFC 7468): the roots that an auditor
 * trusts. A string says why it is none.
 */
export function readRoots(pem: string): CertifiedKey[] | string {
  if (pem.length > MAX_PEM_CHARACTERS) return 'too long for a root'
  const roots: CertifiedKey[] = []
  for (const [, label, text = ''] of pem.matchAll(BLOCK)) {
    const key = readBlock(label, text.replace(/\s/g, ''))
    if (typeof key === 'string') return key
    if (key.algorithm !== 'p256') return 'a root has a P-256 key'
    roots.push(key)
  }
  return roots.length === 0 ? 'no certificate and no public key in PEM' : roots
}

function readBlock(label: string | undefined, base64: string): CertifiedKey | string {
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.toString('base64') !== base64) return 'a PEM block that is not base64'
  if (label === 'PUBLIC KEY') return parsePublicKey(bytes)
  const certificate = parseCertificate(bytes)
  return typeof certificate === 'string' ? certificate : certificate.key
}
