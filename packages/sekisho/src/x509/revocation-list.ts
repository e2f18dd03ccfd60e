import { ECDSA_WITH_SHA256, extension } from './certificate.ts'
import { context, enumerated, integer, objectId, sequence, time } from './der.ts'
import { authorityKey } from './extensions.ts'
import type { Issuer } from './profiles.ts'

const CRL_NUMBER = objectId('2.5.29.20')
const REASON_CODE = objectId('2.5.29.21')
const V2 = integer(Buffer.from([1]))

/** CRLReason (RFC 5280 §5.3.1): those that the platform has. */
export const REASON_CODES = { keyCompromise: 1, cessationOfOperation: 5, privilegeWithdrawn: 9 }

export type RevokedCertificate = {
  /** big-endian */
  serial: Buffer
  at: Date
  reason: number
}

/** TBSCertList (RFC 5280 §5.1.2): what is signed. @param number rises with every list of an issuer */
export function revocationListBody(
  issuer: Issuer,
  list: {
    number: number
    thisUpdate: Date
    nextUpdate: Date
    revoked: readonly RevokedCertificate[]
  },
): Buffer {
  // §5.1.2.6: absent when there is none
  const entries = list.revoked.length === 0 ? [] : [sequence(...list.revoked.map(entry))]
  return sequence(
    V2,
    ECDSA_WITH_SHA256,
    issuer.name,
    time(list.thisUpdate),
    time(list.nextUpdate),
    ...entries,
    context(
      0,
      sequence(
        authorityKey(issuer.keyIdentifier),
        extension(CRL_NUMBER, false, integer(bigEndian(list.number))),
      ),
    ),
  )
}

function entry({ serial, at, reason }: RevokedCertificate): Buffer {
  const why = sequence(extension(REASON_CODE, false, enumerated(reason)))
  return sequence(integer(serial), time(at), why)
}

function bigEndian(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}
