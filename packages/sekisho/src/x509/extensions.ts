import type { Protection } from '../wire/identity.ts'
import { extension } from './certificate.ts'
import {
  boolean,
  implicit,
  integer,
  namedBits,
  objectId,
  octetString,
  sequence,
  utf8String,
} from './der.ts'

/**
 * The platform's own extension: 2.25 and a random UUID (X.667), which nobody has to be asked for.
 * 6f1d3a52-8c47-4e0b-9b6e-2d57c0a4e911. `packages/verify` has it too, and a test compares them.
 */
export const PROTECTION_OID = '2.25.147696067060903613526990975810083809553'

const BASIC_CONSTRAINTS = objectId('2.5.29.19')
const KEY_USAGE = objectId('2.5.29.15')
const EXTENDED_KEY_USAGE = objectId('2.5.29.37')
const SUBJECT_ALT_NAME = objectId('2.5.29.17')
const SUBJECT_KEY_ID = objectId('2.5.29.14')
const AUTHORITY_KEY_ID = objectId('2.5.29.35')
const SERVER_AUTH = objectId('1.3.6.1.5.5.7.3.1')
const CLIENT_AUTH = objectId('1.3.6.1.5.5.7.3.2')
const PROTECTION = objectId(PROTECTION_OID)

/** Bits of KeyUsage (RFC 5280 §4.2.1.3). */
const DIGITAL_SIGNATURE = 0
const KEY_CERT_SIGN = 5
const CRL_SIGN = 6

/** @param below how many authorities may stand between it and an end entity */
export function authority(below: number): Buffer[] {
  return [
    extension(BASIC_CONSTRAINTS, true, sequence(boolean(true), integer(Buffer.from([below])))),
    extension(KEY_USAGE, true, namedBits([KEY_CERT_SIGN, CRL_SIGN])),
  ]
}

/** An end entity that signs, and nothing else. */
export function signatory(): Buffer[] {
  return [
    extension(BASIC_CONSTRAINTS, true, sequence()),
    extension(KEY_USAGE, true, namedBits([DIGITAL_SIGNATURE])),
  ]
}

/** X509-SVID §4.4: whoever has one of the two has both. */
export function eitherEnd(): Buffer {
  return extension(EXTENDED_KEY_USAGE, false, sequence(SERVER_AUTH, CLIENT_AUTH))
}

/** The one SPIFFE ID (X509-SVID §2). */
export function spiffeName(id: string): Buffer {
  return extension(SUBJECT_ALT_NAME, false, sequence(implicit(6, Buffer.from(id))))
}

export function subjectKey(identifier: Buffer): Buffer {
  return extension(SUBJECT_KEY_ID, false, octetString(identifier))
}

export function authorityKey(identifier: Buffer): Buffer {
  return extension(AUTHORITY_KEY_ID, false, sequence(implicit(0, identifier)))
}

/**
 * Where the private key is, and for a session what it was configured to be:
 *
 *     SekishoProtection ::= SEQUENCE {
 *       class          UTF8String,
 *       emulated       BOOLEAN,
 *       configuration  UTF8String OPTIONAL }  -- "sha256:" and 64 hexadecimal digits
 */
export function protection(how: Protection, configuration?: string): Buffer {
  const digest = configuration === undefined ? [] : [utf8String(configuration)]
  const value = sequence(utf8String(how.class), boolean(how.emulated), ...digest)
  return extension(PROTECTION, false, value)
}
