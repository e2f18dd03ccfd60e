import { createPublicKey, type KeyObject } from 'node:crypto'
import { SekishoError } from '../core/error.ts'
import type { RootRequest } from '../wire/identity.ts'

const DAY_MS = 86_400_000
/** A certificate says nothing of a time long gone: nobody may be made to have signed last year. */
const MAX_BACKDATED_MS = 3_600_000
const MAX_AHEAD_MS = 5 * 60_000

const PROFILES = {
  issuing: { maxDays: 90, isFit: isP256, key: 'a P-256 key' },
  log: { maxDays: 366, isFit: isEd25519, key: 'an Ed25519 key' },
} as const

type Own = { trustDomain: string; spki: Buffer; notAfter: number }

/**
 * Whoever has taken over the asking process gets no more than certificates that the platform would
 * have asked for anyway. @throws SekishoError PROTOCOL_VIOLATION
 */
export function refuseUnlessFit(request: RootRequest, own: Own, now: Date): void {
  const { purpose, trustDomain, protection } = request
  const { isFit, key, maxDays } = PROFILES[purpose]
  if (trustDomain !== own.trustDomain) throw refused(`the trust domain ${trustDomain}`)
  const spki = Buffer.from(request.spki, 'base64')
  if (!isFit(readKey(spki)) || spki.equals(own.spki))
    throw refused(`${purpose} of what is not ${key}`)
  // what asks is a process of this platform, and its keys are in no device
  if (!['software', 'derived'].includes(protection.class) || protection.emulated) {
    throw refused(`the protection ${protection.class} of a key that it does not see`)
  }
  refuseUnlessTimely(request, { own, now, maxLifeMs: maxDays * DAY_MS + MAX_BACKDATED_MS })
}

type Bounds = { own: Own; now: Date; maxLifeMs: number }

function refuseUnlessTimely(
  { notBefore, notAfter }: RootRequest,
  { own, now, maxLifeMs }: Bounds,
): void {
  const earlyMs = now.getTime() - notBefore
  if (earlyMs > MAX_BACKDATED_MS || earlyMs < -MAX_AHEAD_MS) {
    throw refused('a beginning that is not now')
  }
  if (notAfter <= now.getTime() || notAfter - notBefore > maxLifeMs) throw refused('so long a life')
  if (notAfter > own.notAfter) throw refused('a life beyond the root’s own')
}

/** One encoding of one key: what follows it, or another form of it, is nobody's to interpret. */
function readKey(spki: Buffer): KeyObject {
  try {
    const key = createPublicKey({ key: spki, format: 'der', type: 'spki' })
    if (key.export({ format: 'der', type: 'spki' }).equals(spki)) return key
  } catch (cause) {
    throw refused('a key that cannot be read', cause)
  }
  throw refused('a key that is not DER')
}

function isP256(key: KeyObject): boolean {
  return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
}

function isEd25519(key: KeyObject): boolean {
  return key.asymmetricKeyType === 'ed25519'
}

function refused(what: string, cause?: unknown): SekishoError {
  return new SekishoError('PROTOCOL_VIOLATION', `the root does not certify ${what}`, { cause })
}
