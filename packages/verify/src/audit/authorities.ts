import { parseVkey } from '../vkey.ts'
import type { Certificate, CertifiedKey } from '../x509/certificate.ts'
import { isValidAt, readCertificateOf, whyNotIssuedBy } from '../x509/chain.ts'
import { parseSpiffe } from '../x509/profile.ts'
import { type Leaf, member, text, texts } from './fields.ts'

/** How far the clocks of whoever issues and of the log may be apart. */
export const SKEW_MS = 5 * 60_000

/** Who signs from an `identity.authority` leaf on. */
export type Authority = {
  trustDomain: string
  issuing: Certificate
  /** over the log's Ed25519 key */
  log: Certificate
  /** of the log: Ed25519, and ML-DSA-44 where it has one */
  vkeys: readonly string[]
}

/**
 * An authority that one of the roots vouches for: root → issuing, root → log, and the log's
 * certificate is over the key that signs the checkpoints. A string says why it is none.
 */
export function readAuthority(leaf: Leaf, roots: readonly CertifiedKey[]): Authority | string {
  const root = readCertificateOf('root', text(leaf, 'root'))
  if (typeof root === 'string') return `the root’s certificate: ${root}`
  if (!roots.some(({ spki }) => spki.equals(root.key.spki))) {
    return 'it chains to another root than the one given'
  }
  const issuing = readCertificateOf('issuing', text(leaf, 'issuing'))
  if (typeof issuing === 'string') return `the issuing certificate: ${issuing}`
  const log = readCertificateOf('log', text(member(leaf, 'log'), 'certificate'))
  if (typeof log === 'string') return `the log’s certificate: ${log}`
  const trustDomain = text(leaf, 'trustDomain') ?? ''
  const vkeys = texts(member(leaf, 'log'), 'vkeys')
  const authority = { trustDomain, issuing, log, vkeys }
  const wrong = whyNotChain(leaf, { root, issuing, log }) ?? whyNotLog(authority)
  return wrong ?? authority
}

function whyNotChain(
  leaf: Leaf,
  { root, issuing, log }: { root: Certificate; issuing: Certificate; log: Certificate },
): string | undefined {
  const at = Date.parse(text(leaf, 'at') ?? '')
  const links = [
    { of: root, name: 'the root’s certificate' },
    { of: issuing, name: 'the issuing certificate' },
    { of: log, name: 'the log’s certificate' },
  ]
  for (const { of, name } of links) {
    const wrong = whyNotIssuedBy(of, root)
    if (wrong !== undefined) return `${name}: ${wrong}`
    if (!isValidAt(of, at, SKEW_MS)) return `${name} is not valid at the time of the leaf`
  }
  return isProtectionOf(root, member(leaf, 'rootProtection'))
    ? undefined
    : 'the root’s protection is not what its certificate says'
}

function whyNotLog({ log, trustDomain, vkeys }: Authority): string | undefined {
  const name = parseSpiffe(log.uri ?? '')
  if (name?.trustDomain !== trustDomain || !name.path.startsWith('/log/')) {
    return 'the log’s certificate names another trust domain, or no log'
  }
  return whyNotKeys(log, vkeys)
}

function whyNotKeys({ key }: Certificate, vkeys: readonly string[]): string | undefined {
  const [first, second] = vkeys.map(readVkey)
  if (first?.type !== 'ed25519' || !key.spki.subarray(-32).equals(first.publicKey)) {
    return 'the log’s certificate is over another key than signs the checkpoints'
  }
  if (vkeys.length > 1 && second?.type !== 'subtree/v1') return 'a second key of another kind'
  return undefined
}

function readVkey(vkey: string): ReturnType<typeof parseVkey> | undefined {
  try {
    return parseVkey(vkey)
  } catch {
    return undefined // the caller says what of it is missing
  }
}

/** Whether a leaf says of a key's place what the key's certificate says. */
export function isProtectionOf(certificate: Certificate, said: Leaf | undefined): boolean {
  const { protection } = certificate
  return (
    protection !== null &&
    said?.['class'] === protection.class &&
    said['emulated'] === protection.emulated
  )
}
