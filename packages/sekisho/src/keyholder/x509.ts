import { createPublicKey, hash, type KeyObject, randomBytes, sign } from 'node:crypto'
import { isIP } from 'node:net'
import {
  addressOctets,
  bitString,
  boolean,
  context,
  implicit,
  integer,
  namedBits,
  objectId,
  octetString,
  sequence,
  set,
  time,
  utf8String,
} from './der.ts'

/**
 * Certificates for TLS inspection (RFC 5280), written straight as DER: a general library takes
 * 2 to 6 ms for one, which every new host of a session would wait for.
 */

const HOUR_MS = 3_600_000
/** Clocks inside a sandbox may be a little behind. */
const BACKDATE_MS = 5 * 60_000
const AUTHORITY_MS = 7 * 24 * HOUR_MS
const LEAF_MS = 24 * HOUR_MS
/** RFC 5280 appendix A: ub-common-name. */
const MAX_COMMON_NAME = 64

const ECDSA_WITH_SHA256 = sequence(objectId('1.2.840.10045.4.3.2'))
const COMMON_NAME = objectId('2.5.4.3')
const BASIC_CONSTRAINTS = objectId('2.5.29.19')
const KEY_USAGE = objectId('2.5.29.15')
const SUBJECT_KEY_ID = objectId('2.5.29.14')
const AUTHORITY_KEY_ID = objectId('2.5.29.35')
const SUBJECT_ALT_NAME = objectId('2.5.29.17')
const EXTENDED_KEY_USAGE = objectId('2.5.29.37')
const SERVER_AUTH = objectId('1.3.6.1.5.5.7.3.1')
const V3 = context(0, integer(Buffer.from([2])))

/** One session's authority: what its sandbox trusts, and nothing else does. */
export type Authority = {
  readonly certificate: Buffer
  readonly notAfter: Date
  readonly name: Buffer
  readonly keyId: Buffer
  readonly key: KeyObject
}

export type IssuedCertificate = { certificate: Buffer; notAfter: Date }

/** @param key P-256, private */
export function makeAuthority(session: string, key: KeyObject, now: Date): Authority {
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  const name = commonName(`Sekisho session ${session}`)
  const keyId = keyIdOf(spki)
  const { notAfter, validity } = validFor(AUTHORITY_MS, now)
  const certificate = signed(key, [
    name,
    validity,
    name,
    spki,
    context(
      3,
      sequence(
        extension(BASIC_CONSTRAINTS, true, sequence(boolean(true), integer(Buffer.from([0])))),
        extension(KEY_USAGE, true, namedBits([5, 6])), // keyCertSign, cRLSign
        extension(SUBJECT_KEY_ID, false, octetString(keyId)),
        extension(AUTHORITY_KEY_ID, false, sequence(implicit(0, keyId))),
      ),
    ),
  ])
  return { certificate, notAfter, name, keyId, key }
}

/**
 * A server certificate for one host, valid a day and never longer than its authority.
 *
 * @param host canonical name or numeric address
 * @param spki DER of a public key that its holder has proved nothing about: it is the gate's own
 */
export function issueLeaf(
  authority: Authority,
  { host, spki }: { host: string; spki: Buffer },
  now: Date,
): IssuedCertificate {
  const { notAfter, validity } = validFor(LEAF_MS, now, authority.notAfter)
  // RFC 5280 §4.1.2.6: a name too long for the subject leaves it empty and the SAN critical
  const isNamed = host.length <= MAX_COMMON_NAME
  const certificate = signed(authority.key, [
    authority.name,
    validity,
    isNamed ? commonName(host) : sequence(),
    spki,
    context(
      3,
      sequence(
        extension(BASIC_CONSTRAINTS, true, sequence()),
        extension(KEY_USAGE, true, namedBits([0])), // digitalSignature
        extension(EXTENDED_KEY_USAGE, false, sequence(SERVER_AUTH)),
        extension(SUBJECT_ALT_NAME, !isNamed, sequence(alternativeName(host))),
        extension(SUBJECT_KEY_ID, false, octetString(keyIdOf(spki))),
        extension(AUTHORITY_KEY_ID, false, sequence(implicit(0, authority.keyId))),
      ),
    ),
  ])
  return { certificate, notAfter }
}

export function toPem(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}

/** The fields between the signature algorithm and the end, as TBSCertificate orders them. */
function signed(key: KeyObject, fields: readonly Buffer[]): Buffer {
  const body = sequence(V3, serialNumber(), ECDSA_WITH_SHA256, ...fields)
  return sequence(body, ECDSA_WITH_SHA256, bitString(sign('sha256', body, key)))
}

/** 16 random bytes, positive and never zero (RFC 5280 §4.1.2.2). */
function serialNumber(): Buffer {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return integer(bytes)
}

function validFor(
  lifeMs: number,
  now: Date,
  limit = new Date(now.getTime() + lifeMs),
): { notAfter: Date; validity: Buffer } {
  const endMs = Math.min(now.getTime() + lifeMs, limit.getTime())
  const notAfter = new Date(Math.floor(endMs / 1000) * 1000)
  return {
    notAfter,
    validity: sequence(time(new Date(now.getTime() - BACKDATE_MS)), time(notAfter)),
  }
}

function commonName(text: string): Buffer {
  return sequence(set(sequence(COMMON_NAME, utf8String(text))))
}

function extension(id: Buffer, critical: boolean, value: Buffer): Buffer {
  return sequence(id, ...(critical ? [boolean(true)] : []), octetString(value))
}

function alternativeName(host: string): Buffer {
  return isIP(host) === 0 ? implicit(2, Buffer.from(host)) : implicit(7, addressOctets(host))
}

/** RFC 7093 §2, method 1 (truncated SHA-256) over the key itself: the identifier is free to choose. */
function keyIdOf(spki: Buffer): Buffer {
  return hash('sha256', spki, 'buffer').subarray(0, 20)
}
