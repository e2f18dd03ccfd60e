import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { RootRequest } from '../../wire/identity.ts'
import { toPem, withSignature } from '../../x509/certificate.ts'
import { requestedBody, rootBody } from '../../x509/profiles.ts'
import { Keys } from '../keys.ts'
import { Authority } from './authority.ts'
import { Revocations } from './revocations.ts'
import { Svids } from './svids.ts'

const DAY_MS = 86_400_000
const keys = new Keys(Buffer.alloc(32, 7))
const EXTERNAL = { class: 'pkcs11', emulated: true } as const

let dir = ''
let nowMs = 0
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sekisho-authority-'))
  nowMs = Date.now()
})
afterEach(() => rmSync(dir, { recursive: true }))

const now = (): Date => new Date(nowMs)

function open(root: 'derived' | 'external' = 'derived'): Authority {
  return new Authority({ dir, keys, now, root, vkeys: ['v'] })
}

test('OpenSSL follows the chain from the log and from an identity to the root', () => {
  const authority = open()
  const { root, issuing, log } = authority.certificates ?? { root: '', issuing: '', log: '' }
  const { certificate } = new Svids(authority, now).forSession({
    session: 's-00000000000000000000',
    agent: 'über agent',
    configuration: `sha256:${'0'.repeat(64)}`,
  })
  const file = (name: string, der: Buffer): string => {
    writeFileSync(join(dir, name), toPem(der))
    return join(dir, name)
  }
  const rootFile = file('root.pem', Buffer.from(root, 'base64'))
  const between = ['-untrusted', file('issuing.pem', Buffer.from(issuing, 'base64'))]
  const strict = ['verify', '-x509_strict', '-CAfile', rootFile]
  const verified = (args: readonly string[]): string =>
    execFileSync('openssl', [...strict, ...args], { encoding: 'utf8' })
  expect(verified([...between, file('session.pem', certificate)])).toMatch(/session.pem: OK/)
  expect(verified([file('log.pem', Buffer.from(log, 'base64'))])).toMatch(/log.pem: OK/)
  // what the issuing authority certifies may not certify anybody itself
  const { pathLength } = textOf(join(dir, 'issuing.pem'))
  expect(pathLength).toBe('0')
})

test('what is revoked is on a list that OpenSSL reads and checks', () => {
  const authority = open()
  const svids = new Svids(authority, now)
  const revocations = new Revocations(dir, authority, now)
  const issued = svids.forSession({ session: 's-1', agent: 'a', configuration: 'sha256:0' })
  const other = svids.forSession({ session: 's-2', agent: 'a', configuration: 'sha256:0' })
  expect(crl(revocations)).toMatch(/No Revoked Certificates/)
  revocations.add([issued], 'conflict')
  expect(crl(new Revocations(dir, authority, now))).toMatch(/Key Compromise/)
  const verifyOf = (certificate: Buffer): string => {
    writeFileSync(join(dir, 'leaf.pem'), toPem(certificate))
    const { root, issuing } = authority.certificates ?? { root: '', issuing: '' }
    writeFileSync(join(dir, 'root.pem'), toPem(Buffer.from(root, 'base64')))
    writeFileSync(join(dir, 'issuing.pem'), toPem(Buffer.from(issuing, 'base64')))
    const files = ['-CAfile', 'root.pem', '-untrusted', 'issuing.pem', '-CRLfile', 'crl.pem']
    try {
      return execFileSync('openssl', ['verify', '-crl_check', ...files, 'leaf.pem'], {
        cwd: dir,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      })
    } catch (error) {
      return String(error instanceof Error ? Reflect.get(error, 'stderr') : error)
    }
  }
  expect(verifyOf(other.certificate)).toMatch(/OK/)
  expect(verifyOf(issued.certificate)).toMatch(/certificate revoked/)
})

function crl(revocations: Revocations): string {
  writeFileSync(join(dir, 'crl.pem'), revocations.lists())
  return execFileSync('openssl', ['crl', '-in', join(dir, 'crl.pem'), '-noout', '-text'], {
    encoding: 'utf8',
  })
}

test('the same authority is there after a restart, and is recorded once', () => {
  const first = open()
  const leaf = first.unrecorded
  expect(leaf).toMatchObject({ type: 'identity.authority', reason: 'first' })
  if (leaf !== undefined) first.recorded(leaf)
  const second = open()
  expect(second.certificates).toEqual(first.certificates)
  expect(second.unrecorded).toBeUndefined()
})

test('at half its life the issuing certificate is followed by one over another key', () => {
  const authority = open()
  const leaf = authority.unrecorded
  if (leaf !== undefined) authority.recorded(leaf)
  const before = authority.certificates
  nowMs += 44 * DAY_MS
  authority.renew()
  expect(authority.certificates).toEqual(before)
  nowMs += 2 * DAY_MS
  authority.renew()
  const after = authority.certificates
  expect(after?.root).toBe(before?.root)
  expect(after?.log).toBe(before?.log)
  expect(keyIn(after?.issuing)).not.toBe(keyIn(before?.issuing))
  expect(open().unrecorded).toMatchObject({ reason: 'schedule', issuing: after?.issuing })
})

test('with a root elsewhere nothing is issued before it has certified', async () => {
  const authority = open('external')
  expect(authority.isReady).toBe(false)
  expect(authority.unrecorded).toBeUndefined()
  const svids = new Svids(authority, now)
  const session = { session: 's-1', agent: 'a', configuration: 'sha256:0' }
  expect(() => svids.forSession(session)).toThrow(
    expect.objectContaining({ code: 'IDENTITY_UNAVAILABLE' }),
  )
  const ready = authority.whenReady()
  const root = new OtherRoot(authority.trustDomain)
  authority.install(root.answer(authority.requests()))
  await ready
  expect(authority.requests()).toEqual([])
  expect(authority.unrecorded).toMatchObject({ rootProtection: EXTERNAL, reason: 'first' })
  const { certificate } = svids.forSession(session)
  const issuing = parse(authority.certificates?.issuing ?? '')
  expect(new X509Certificate(certificate).verify(issuing.publicKey)).toBe(true)
  expect(open('external').isReady).toBe(true)
})

test.for([
  [
    'of another root',
    (root: OtherRoot, asked: RootRequest[]) => {
      const other = new OtherRoot('x.internal')
      return { ...root.answer(asked), certificates: other.answer(asked).certificates }
    },
  ],
  [
    'for another key',
    (root: OtherRoot, asked: RootRequest[]) => {
      const spki = spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey)
      return root.answer(asked.map((request) => ({ ...request, spki })))
    },
  ],
  [
    'that live longer than was asked',
    (root: OtherRoot, asked: RootRequest[]) =>
      root.answer(asked.map((request) => ({ ...request, notAfter: request.notAfter + DAY_MS }))),
  ],
  ['too few', (root: OtherRoot, asked: RootRequest[]) => root.answer(asked.slice(1))],
  [
    'for another purpose',
    (root: OtherRoot, asked: RootRequest[]) =>
      root.answer(asked.map((request) => ({ ...request, purpose: 'log' as const }))),
  ],
] as const)('certificates %s are not installed', ([, answer]) => {
  const authority = open('external')
  const made = answer(new OtherRoot(authority.trustDomain), authority.requests())
  expect(() => authority.install(made)).toThrow(
    expect.objectContaining({ code: 'IDENTITY_REFUSED' }),
  )
  expect(authority.isReady).toBe(false)
})

test('a root that is another than before is refused', () => {
  const authority = open('external')
  authority.install(new OtherRoot(authority.trustDomain).answer(authority.requests()))
  nowMs += 46 * DAY_MS
  const made = new OtherRoot(authority.trustDomain).answer(authority.requests())
  expect(() => authority.install(made)).toThrow('by another root than before')
})

test('a file of another hand is not taken', () => {
  open()
  writeFileSync(join(dir, 'authority.json'), '{"v":1}')
  expect(() => open()).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
})

/** As a root's process makes them. */
class OtherRoot {
  readonly #key = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  readonly #spki = this.#key.publicKey.export({ format: 'der', type: 'spki' })
  readonly #certificate: string

  constructor(trustDomain: string) {
    const body = rootBody({
      trustDomain,
      spki: this.#spki,
      protection: EXTERNAL,
      notBefore: new Date(nowMs - DAY_MS),
      notAfter: new Date(nowMs + 3650 * DAY_MS),
    })
    this.#certificate = this.#signed(body)
  }

  answer(asked: readonly RootRequest[]): {
    root: string
    rootProtection: typeof EXTERNAL
    certificates: string[]
  } {
    const certificates = asked.map((request) => this.#signed(requestedBody(request, this.#spki)))
    return { root: this.#certificate, rootProtection: EXTERNAL, certificates }
  }

  #signed(body: Buffer): string {
    const signature = sign('sha256', body, this.#key.privateKey)
    return withSignature(body, signature).toString('base64')
  }
}

function textOf(file: string): { pathLength: string | undefined } {
  const text = execFileSync('openssl', ['x509', '-in', file, '-noout', '-text'], {
    encoding: 'utf8',
  })
  return { pathLength: /pathlen:(\d+)/.exec(text)?.[1] }
}

function parse(certificate: string): X509Certificate {
  return new X509Certificate(Buffer.from(certificate, 'base64'))
}

function keyIn(certificate = ''): string {
  return spkiOf(parse(certificate).publicKey)
}

function spkiOf(key: KeyObject): string {
  return key.export({ format: 'der', type: 'spki' }).toString('base64')
}
