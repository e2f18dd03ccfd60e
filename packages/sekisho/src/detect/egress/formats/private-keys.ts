import type { Detector, Span } from '../detector.ts'
import { assigned } from './assigned.ts'
import { isBech32 } from './bech32.ts'
import { captureAt, capturedIn } from './capture.ts'
import { bitsPerCharacter } from './plausible.ts'
import { NOTHING, tokens } from './token.ts'

/** Enough of a body to be a key and not a mention of one. */
const MIN_BODY = 64
/** Random base64 has 5 bits or more at this length; a placeholder has not. */
const MIN_BODY_BITS = 4
const MAX_KEY_BYTES = 4_096

/** What armours a private key: its label, and what its body begins with where that is fixed. */
type Armour = readonly [name: string, header: string, begins: RegExp]

/** DER of a SEQUENCE begins with 0x30, which is `M` in base64. */
const DER = /^M[A-P]/
const ANY = /^/
const ARMOURS: readonly Armour[] = [
  ['private-key-pkcs8', '-----BEGIN PRIVATE KEY-----', DER],
  ['private-key-encrypted', '-----BEGIN ENCRYPTED PRIVATE KEY-----', DER],
  ['private-key-rsa', '-----BEGIN RSA PRIVATE KEY-----', ANY],
  ['private-key-ec', '-----BEGIN EC PRIVATE KEY-----', ANY],
  ['private-key-dsa', '-----BEGIN DSA PRIVATE KEY-----', ANY],
  // The body begins with `openssh-key-v1` and a NUL.
  ['private-key-openssh', '-----BEGIN OPENSSH PRIVATE KEY-----', /^b3BlbnNzaC1rZXktdjEA/],
  ['private-key-pgp', '-----BEGIN PGP PRIVATE KEY BLOCK-----', /^[lx]/],
  ['private-key-ssh2', '---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----', ANY],
  ['private-key-cosign', '-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----', ANY],
  ['private-key-sigstore', '-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----', ANY],
]

/** Keys that sign, decrypt and sign in. */
export const PRIVATE_KEYS: readonly Detector[] = [
  ...ARMOURS.map(armoured),
  // The same after base64, as Kubernetes configurations hold it: `-----BEGIN … PRIVATE KEY`.
  ...tokens(
    'https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/',
    [
      [
        'private-key-base64-rsa',
        'LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVkt[A-Za-z0-9+/]{400,4000}={0,2}',
      ],
      [
        'private-key-base64-ec',
        'LS0tLS1CRUdJTiBFQyBQUklWQVRFIEtFWS0t[A-Za-z0-9+/]{200,4000}={0,2}',
      ],
      [
        'private-key-base64-pkcs8',
        'LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t[A-Za-z0-9+/]{100,4000}={0,2}',
      ],
    ],
  ),
  ...tokens('https://docs.k3s.io/cli/token', [
    ['k3s-token', 'K10[0-9a-f]{64}::[a-z]{4,10}:[0-9a-z]{16,64}'],
  ]),
  ...tokens('https://github.com/C2SP/C2SP/blob/main/age.md', [
    ['age-identity', 'AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}', isBech32],
  ]),
  ...tokens('https://github.com/nostr-protocol/nips/blob/master/19.md', [
    ['nostr-private-key', 'nsec1[qpzry9x8gf2tvdw0s3jn54khce6mua7l]{58}', isBech32],
  ]),
  ...tokens('https://github.com/bitcoin/bips/blob/master/bip-0032.mediawiki', [
    ['bip32-private-key', '(?:x|y|z)prv[1-9A-HJ-NP-Za-km-z]{107}'],
  ]),
  ...tokens('https://jedisct1.github.io/minisign/', [
    ['minisign-secret-key', 'RWRTY0Iy[A-Za-z0-9+/]{200,206}={0,2}'],
  ]),
  ...assigned('https://www.wireguard.com/quickstart/', [
    [
      'wireguard-private-key',
      ['privatekey', 'private_key', 'presharedkey'],
      '[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=',
    ],
  ]),
  ...assigned('https://ethereum.org/developers/docs/accounts/', [
    ['ethereum-private-key', ['private_key', 'privatekey', 'deployer_key'], '(?:0x)?[0-9a-f]{64}'],
  ]),
  {
    id: 'secret.private-key-putty',
    class: 'secret-format',
    source: 'https://the.earth.li/~sgtatham/putty/latest/htmldoc/AppendixC.html',
    trigger: { kind: 'keyword', words: ['private-lines:'] },
    window: { before: 0, after: MAX_KEY_BYTES },
    match: puttyKey,
  },
  {
    id: 'secret.private-jwk',
    class: 'secret-format',
    source: 'https://www.rfc-editor.org/rfc/rfc7517',
    trigger: { kind: 'keyword', words: ['"kty"', '\\"kty\\"'] },
    window: { before: 2_048, after: 2_048 },
    match: privateJwk,
  },
]

function armoured([name, header, begins]: Armour): Detector {
  return {
    id: `secret.${name}`,
    class: 'secret-format',
    source: 'https://www.rfc-editor.org/rfc/rfc7468',
    trigger: { kind: 'keyword', words: [header] },
    window: { before: 0, after: MAX_KEY_BYTES },
    match(text, hit) {
      const end = text.indexOf('---', hit.end)
      const stop = end === -1 ? text.length : end
      const body = bodyOf(text.slice(hit.end, stop))
      if (body.length < MIN_BODY || !begins.test(body)) return NOTHING
      if (bitsPerCharacter(body.slice(0, 256)) < MIN_BODY_BITS) return NOTHING
      return [{ start: hit.start, end: stop }]
    },
  }
}

/**
 * The base64 of an armoured key up to where it stops being that: without the line ends, also
 * escaped ones and those of a program's string, and without header fields (RFC 1421, RFC 4880).
 */
function bodyOf(text: string): string {
  const lines = text
    .split(/\\r|\\n|["'`]\s{0,8}[+,]?|\s{1,8}/)
    .filter((line) => line !== '' && line !== '\\')
  const first = lines.findIndex((line) => /^[A-Za-z0-9+/]{40,}/.test(line))
  if (first === -1) return ''
  return /^[A-Za-z0-9/+=]*/.exec(lines.slice(first).join(''))?.[0] ?? ''
}

/** The lines of a PuTTY key's private part. */
const PUTTY_LINES = / ?\d{1,3}(?<value>(?:\s{1,2}[A-Za-z0-9+/=]{8,64}){2,64})/dy

function puttyKey(text: string, hit: Span): readonly Span[] {
  const lines = captureAt(PUTTY_LINES, text, hit.end)
  if (lines === undefined) return NOTHING
  const body = lines.value.replace(/\s/g, '')
  if (body.length < MIN_BODY || bitsPerCharacter(body) < MIN_BODY_BITS) return NOTHING
  return [{ start: hit.start, end: lines.place.end }]
}

/** `d` is the private part of every asymmetric key, `k` a symmetric key (RFC 7518 §6). */
const JWK_PRIVATE = /(?<=[{,\s])\\?"[dk]\\?"\s{0,3}:\s{0,3}\\?"(?<value>[\w-]{32,1400})\\?"/dg

function privateJwk(text: string, hit: Span): readonly Span[] {
  const opened = text.lastIndexOf('{', hit.start)
  const closed = text.indexOf('}', hit.end)
  if (opened === -1) return NOTHING
  const object = text.slice(opened, closed === -1 ? text.length : closed)
  return [...object.matchAll(JWK_PRIVATE)]
    .map(capturedIn)
    .filter(({ value }) => bitsPerCharacter(value) >= MIN_BODY_BITS)
    .map(({ place: { start, end } }) => ({ start: opened + start, end: opened + end }))
}
