import { hash } from 'node:crypto'
import type { Protection, RootRequest } from '../wire/identity.ts'
import { certificateBody, distinguishedName, keyIdentifier, serialNumber } from './certificate.ts'
import {
  authority,
  authorityKey,
  eitherEnd,
  protection,
  signatory,
  spiffeName,
  subjectKey,
} from './extensions.ts'

/** The certificates of the platform's identities, one fixed profile each. */

/** Who signs a certificate. */
export type Issuer = { name: Buffer; keyIdentifier: Buffer }

type Life = { notBefore: Date; notAfter: Date }

const ED25519_BYTES = 32

export function rootIssuer(trustDomain: string, spki: Buffer): Issuer {
  return { name: rootName(trustDomain), keyIdentifier: keyIdentifier(spki) }
}

export function issuingIssuer(trustDomain: string, spki: Buffer): Issuer {
  return { name: issuingName(trustDomain, spki), keyIdentifier: keyIdentifier(spki) }
}

/** What a root signs of itself. @param spki P-256, DER */
export function rootBody(
  root: { trustDomain: string; spki: Buffer; protection: Protection } & Life,
): Buffer {
  const identifier = keyIdentifier(root.spki)
  const name = rootName(root.trustDomain)
  return certificateBody({
    ...common(root),
    issuer: name,
    subject: name,
    extensions: [
      ...authority(1),
      spiffeName(`spiffe://${root.trustDomain}`),
      protection(root.protection),
      subjectKey(identifier),
      authorityKey(identifier),
    ],
  })
}

/**
 * What a root signs when it is asked to: the request says whose key, and how long; what the
 * certificate may be used for is not its to say.
 */
export function requestedBody(request: RootRequest, rootSpki: Buffer): Buffer {
  const { trustDomain, purpose } = request
  const spki = Buffer.from(request.spki, 'base64')
  const issuer = rootIssuer(trustDomain, rootSpki)
  const isLog = purpose === 'log'
  const id = isLog ? logId(trustDomain, spki) : `spiffe://${trustDomain}`
  return certificateBody({
    ...common({
      spki,
      notBefore: new Date(request.notBefore),
      notAfter: new Date(request.notAfter),
    }),
    issuer: issuer.name,
    subject: isLog ? distinguishedName(trustDomain, 'Sekisho log') : issuingName(trustDomain, spki),
    extensions: [
      ...(isLog ? signatory() : authority(0)),
      spiffeName(id),
      protection(request.protection),
      subjectKey(keyIdentifier(spki)),
      authorityKey(issuer.keyIdentifier),
    ],
  })
}

/** Of a session or a gate. @param configuration digest of what a session was resolved to */
export function svidBody(
  subject: {
    trustDomain: string
    id: string
    spki: Buffer
    serial: Buffer
    protection: Protection
    configuration?: string
  } & Life,
  issuer: Issuer,
): Buffer {
  const { id, trustDomain, configuration } = subject
  return certificateBody({
    ...common(subject),
    serial: subject.serial,
    issuer: issuer.name,
    subject: distinguishedName(trustDomain, id.slice(id.lastIndexOf('/') + 1)),
    extensions: [
      ...signatory(),
      eitherEnd(),
      spiffeName(id),
      protection(subject.protection, configuration),
      subjectKey(keyIdentifier(subject.spki)),
      authorityKey(issuer.keyIdentifier),
    ],
  })
}

/** The log's name carries a digest of its key, so its SPIFFE ID follows from the key. */
function logId(trustDomain: string, spki: Buffer): string {
  const raw = spki.subarray(-ED25519_BYTES).toString('base64url')
  return `spiffe://${trustDomain}/log/${hash('sha256', raw).slice(0, 16)}`
}

function rootName(trustDomain: string): Buffer {
  return distinguishedName(trustDomain, 'Sekisho root CA')
}

/** Every issuing key has a name of its own: chains are built by names too. */
function issuingName(trustDomain: string, spki: Buffer): Buffer {
  const tag = keyIdentifier(spki).toString('hex').slice(0, 16)
  return distinguishedName(trustDomain, `Sekisho issuing CA ${tag}`)
}

function common({
  spki,
  notBefore,
  notAfter,
}: Life & { spki: Buffer }): Life & { spki: Buffer; serial: Buffer } {
  return { spki, notBefore, notAfter, serial: serialNumber() }
}
