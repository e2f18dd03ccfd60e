import { p256Check } from '../crypto.ts'
import { fromBase64 } from '../base64.ts'
import { type Certificate, type CertifiedKey, parseCertificate } from './certificate.ts'
import { type Role, whyNotRole } from './profile.ts'

const POINT_BYTES = 65

/** SEC 1 §2.3.3, uncompressed: how a SubjectPublicKeyInfo ends. */
export function pointOf({ spki }: CertifiedKey): Buffer {
  return spki.subarray(-POINT_BYTES)
}

/** A certificate of a role, from base64 of its DER; a string says why it is none. */
export function readCertificateOf(role: Role, base64: string | undefined): Certificate | string {
  const bytes = base64 === undefined ? undefined : fromBase64(base64)
  if (bytes === undefined) return 'not base64'
  const certificate = parseCertificate(bytes)
  if (typeof certificate === 'string') return certificate
  return whyNotRole(certificate, role) ?? certificate
}

/** Why the issuer did not make it; undefined when it did. */
export function whyNotIssuedBy(certificate: Certificate, issuer: Certificate): string | undefined {
  if (!certificate.issuer.equals(issuer.subject)) return 'it names another issuer'
  return isSigned(certificate, issuer.key) ? undefined : 'its issuer did not sign it'
}

function isSigned({ body, signature }: Certificate, key: CertifiedKey): boolean {
  try {
    return p256Check(pointOf(key))(body, signature)
  } catch (thrown) {
    if (thrown instanceof TypeError) return false // no point of the curve
    throw thrown
  }
}

/** @param skewMs how far the clocks of issuer and log may be apart */
export function isValidAt(
  { notBefore, notAfter }: Pick<Certificate, 'notBefore' | 'notAfter'>,
  atMs: number,
  skewMs: number,
): boolean {
  return notBefore - skewMs <= atMs && atMs <= notAfter + skewMs
}
