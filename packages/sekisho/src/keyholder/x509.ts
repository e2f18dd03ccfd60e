import { createPublicKey, type KeyObject, sign } from 'node:crypto'
import { isIP } from 'node:net'
import {
  certificateBody,
  commonName,
  extension,
  keyIdentifier,
  serialNumber,
  withSignature,
} from '../x509/certificate.ts'
import { addressOctets, implicit, objectId, sequence } from '../x509/der.ts'
import {
  authority as authorityRights,
  authorityKey,
  signatory,
  subjectKey,
} from '../x509/extensions.ts'

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

const SUBJECT_ALT_NAME = objectId('2.5.29.17')
const EXTENDED_KEY_USAGE = objectId('2.5.29.37')
const SERVER_AUTH = objectId('1.3.6.1.5.5.7.3.1')

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
  const keyId = keyIdentifier(spki)
  const life = lifeOf(AUTHORITY_MS, now)
  const certificate = signed(key, {
    issuer: name,
    subject: name,
    spki,
    ...life,
    extensions: [...authorityRights(0), subjectKey(keyId), authorityKey(keyId)],
  })
  return { certificate, notAfter: life.notAfter, name, keyId, key }
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
  const life = lifeOf(LEAF_MS, now, authority.notAfter)
  // RFC 5280 §4.1.2.6: a name too long for the subject leaves it empty and the SAN critical
  const isNamed = host.length <= MAX_COMMON_NAME
  const certificate = signed(authority.key, {
    issuer: authority.name,
    subject: isNamed ? commonName(host) : sequence(),
    spki,
    ...life,
    extensions: [
      ...signatory(),
      extension(EXTENDED_KEY_USAGE, false, sequence(SERVER_AUTH)),
      extension(SUBJECT_ALT_NAME, !isNamed, sequence(alternativeName(host))),
      subjectKey(keyIdentifier(spki)),
      authorityKey(authority.keyId),
    ],
  })
  return { certificate, notAfter: life.notAfter }
}

function signed(
  key: KeyObject,
  fields: Omit<Parameters<typeof certificateBody>[0], 'serial'>,
): Buffer {
  const body = certificateBody({ ...fields, serial: serialNumber() })
  return withSignature(body, sign('sha256', body, key))
}

function lifeOf(
  lifeMs: number,
  now: Date,
  limit = new Date(now.getTime() + lifeMs),
): { notBefore: Date; notAfter: Date } {
  const endMs = Math.min(now.getTime() + lifeMs, limit.getTime())
  return {
    notBefore: new Date(now.getTime() - BACKDATE_MS),
    notAfter: new Date(Math.floor(endMs / 1000) * 1000),
  }
}

function alternativeName(host: string): Buffer {
  return isIP(host) === 0 ? implicit(2, Buffer.from(host)) : implicit(7, addressOctets(host))
}
