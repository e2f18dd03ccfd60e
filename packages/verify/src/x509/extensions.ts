import { DerFault, DerReader, readBoolean, readInteger, readNamedBits, TAG } from './der.ts'
import { type CertifiedProtection, PROTECTION_CLASSES, PROTECTION_OID_DER } from './protection.ts'

/** RFC 5280 §4.2.1, of what this project's certificates carry. */
export type Extensions = {
  isAuthority: boolean
  /** how many authorities may stand below; null says nothing of it */
  pathLength: number | null
  usage: { digitalSignature: boolean; certificateSign: boolean }
  /** the one URI of the subjectAltName; null without one */
  uri: string | null
  protection: CertifiedProtection | null
}

/** Named bits of KeyUsage. */
const DIGITAL_SIGNATURE = 0
const CERTIFICATE_SIGN = 5
/** Also allowed to an authority: it signs none here. */
const CRL_SIGN = 6

const MAX_URI = 2048

type Read = (value: DerReader, found: Extensions) => void

const BASIC_CONSTRAINTS = '0603551d13'
const KEY_USAGE = '0603551d0f'

/** By the whole DER of their object identifiers. One that is not here is refused, critical or not. */
const KNOWN: ReadonlyMap<string, Read> = new Map<string, Read>([
  [BASIC_CONSTRAINTS, readBasicConstraints],
  [KEY_USAGE, readKeyUsage],
  ['0603551d11', readAlternativeName],
  // identifiers of keys: hints for finding an issuer, which here is known
  ['0603551d0e', (value) => void value.take(TAG.octetString, 'the subject key identifier')],
  ['0603551d23', (value) => void value.take(TAG.sequence, 'the authority key identifier')],
  ['0603551d25', readExtendedUsage],
  [PROTECTION_OID_DER.toString('hex'), readProtection],
])

/** @throws DerFault for what is not known, twice there, or missing */
export function readExtensions(outer: DerReader): Extensions {
  const list = outer.into(TAG.sequence, 'the extensions')
  outer.end('the extensions')
  const found: Extensions = {
    isAuthority: false,
    pathLength: null,
    usage: { digitalSignature: false, certificateSign: false },
    uri: null,
    protection: null,
  }
  const seen = new Set<string>()
  while (!list.isAtEnd) {
    const extension = list.into(TAG.sequence, 'an extension')
    const id = extension.take(TAG.objectId, 'an extension’s name').whole.toString('hex')
    if (seen.has(id)) throw new DerFault('an extension that is there twice')
    seen.add(id)
    readExtension(id, extension, found)
  }
  if (!seen.has(BASIC_CONSTRAINTS)) throw new DerFault('no basicConstraints')
  if (!seen.has(KEY_USAGE)) throw new DerFault('no keyUsage')
  return found
}

function readExtension(id: string, extension: DerReader, found: Extensions): void {
  const read = KNOWN.get(id)
  if (read === undefined) throw new DerFault(`an extension that is not known, ${id}`)
  // DER leaves a default out: FALSE is not written
  if (extension.nextTag === TAG.boolean && !readBoolean(extension, 'critical')) {
    throw new DerFault('critical: a default that is written')
  }
  const value = new DerReader(extension.take(TAG.octetString, 'an extension’s value').content)
  extension.end('an extension')
  read(value, found)
  value.end('an extension’s value')
}

function readBasicConstraints(value: DerReader, found: Extensions): void {
  const fields = value.into(TAG.sequence, 'basicConstraints')
  if (fields.nextTag === TAG.boolean) {
    found.isAuthority = readBoolean(fields, 'cA')
    if (!found.isAuthority) throw new DerFault('cA: a default that is written')
  }
  if (fields.nextTag === TAG.integer) {
    const length = readInteger(fields, 'pathLenConstraint')
    if (!found.isAuthority || length.length !== 1) throw new DerFault('a pathLenConstraint')
    found.pathLength = length[0] ?? 0
  }
  fields.end('basicConstraints')
}

function readKeyUsage(value: DerReader, found: Extensions): void {
  const bits = readNamedBits(value, 'keyUsage')
  const known = [DIGITAL_SIGNATURE, CERTIFICATE_SIGN, CRL_SIGN]
  if ([...bits].some((bit) => !known.includes(bit))) throw new DerFault('a key usage not known')
  found.usage = {
    digitalSignature: bits.has(DIGITAL_SIGNATURE),
    certificateSign: bits.has(CERTIFICATE_SIGN),
  }
}

/** One URI and no other name (X509-SVID §2). */
function readAlternativeName(value: DerReader, found: Extensions): void {
  const names = value.into(TAG.sequence, 'the subjectAltName')
  const { content } = names.take(0x86, 'the subjectAltName’s URI')
  names.end('the subjectAltName')
  const uri = content.toString('latin1')
  if (uri.length > MAX_URI || !/^[\x21-\x7e]+$/.test(uri)) throw new DerFault('not a URI')
  found.uri = uri
}

function readExtendedUsage(value: DerReader): void {
  const uses = value.into(TAG.sequence, 'the extKeyUsage')
  do uses.take(TAG.objectId, 'the extKeyUsage')
  while (!uses.isAtEnd)
}

function readProtection(value: DerReader, found: Extensions): void {
  const fields = value.into(TAG.sequence, 'the protection')
  const text = fields.take(TAG.utf8String, 'the protection’s class').content.toString('latin1')
  const known = PROTECTION_CLASSES.find((name) => name === text)
  if (known === undefined) throw new DerFault('a protection class that is not known')
  const emulated = readBoolean(fields, 'emulated')
  const digest = fields.takeIf(TAG.utf8String, 'the configuration')?.content.toString('latin1')
  fields.end('the protection')
  if (digest !== undefined && !/^sha256:[0-9a-f]{64}$/.test(digest)) throw new DerFault('no digest')
  const configuration = digest ?? null
  found.protection = { class: known, emulated, configuration }
}
