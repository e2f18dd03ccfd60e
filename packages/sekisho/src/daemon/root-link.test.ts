import { generateKeyPairSync, sign } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { transportPair } from '../gate/testing/rig.ts'
import { RootAuthority } from '../root/authority.ts'
import type { RootRequest } from '../wire/identity.ts'
import { supervisorToKeyholder } from '../wire/keyholder.ts'
import { Peer } from '../wire/peer.ts'
import { supervisorToRoot } from '../wire/root.ts'
import type { KeyholderPeer } from './child-kinds.ts'
import { writeRootFile } from './root-file.ts'
import { RootLink } from './root-link.ts'
import { type RootChild, type RootPeer, RootProcess } from './root-process.ts'

const DERIVED = { root: { provider: 'derived' } } as const
const HELD = { root: { provider: 'passphrase', passphrase: 'env:P' } } as const
let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sekisho-link-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

test('what the keyholder lacks is certified and installed, and the root kept for auditors', async () => {
  const authority = await made()
  const { link, calls } = rig(HELD, { authority, requests: [request()] })
  expect(link.trustDomain).toBe('agents.example.org')
  await link.serve(calls.peer)
  expect(calls.installed).toEqual([
    {
      root: authority.certificate.toString('base64'),
      rootProtection: { class: 'passphrase', emulated: false },
      certificates: ['AAAA'],
    },
  ])
  expect(readFileSync(join(directory, 'root.pem'), 'utf8')).toContain(
    authority.certificate.toString('base64').slice(0, 64),
  )
})

test('where nothing is lacking no process is started', async () => {
  const { link, calls, started } = rig(HELD, { authority: await made(), requests: [] })
  await link.serve(calls.peer)
  expect([calls.installed, started()]).toEqual([[], 0])
})

test('a derived root is kept too', async () => {
  const { link, calls } = rig(DERIVED, { authority: await made(), requests: [] })
  expect(link.trustDomain).toBeNull()
  await link.serve(calls.peer)
  expect(readFileSync(join(directory, 'root.pem'), 'utf8')).toMatch(/^-----BEGIN CERTIFICATE-----/)
})

test.for([
  ['derived', DERIVED],
  ['held', HELD],
] as const)('another root than the first is refused: %s', async ([, settings]) => {
  const first = rig(settings, { authority: await made(), requests: [] })
  await first.link.serve(first.calls.peer)
  rmSync(join(directory, 'root.json'), { force: true })
  const second = rig(settings, { authority: await made(), requests: [request()] })
  await expect(second.link.serve(second.calls.peer)).rejects.toMatchObject({ code: 'LOG_BROKEN' })
  expect([second.calls.installed, second.started()]).toEqual([[], 0])
})

type Parts = { authority: RootAuthority; requests: RootRequest[] }
type Calls = { peer: Pick<KeyholderPeer, 'call'>; installed: unknown[] }

function rig(
  settings: typeof DERIVED | typeof HELD,
  { authority, requests }: Parts,
): { link: RootLink; calls: Calls; started: () => number } {
  const description = authority.describe()
  const file = join(directory, 'root.json')
  if (settings !== DERIVED) {
    const kdf = { name: 'scrypt', N: 2 ** 17, r: 8, p: 1, salt: `${'A'.repeat(43)}=` } as const
    const key = { provider: 'passphrase', kdf, nonce: 'A'.repeat(16), sealed: 'AAAA' } as const
    writeRootFile(file, { version: 1, ...description, key })
  }
  let started = 0
  const launch = (): RootChild => {
    started += 1
    return new FakeRoot(description)
  }
  const environment = { P: 'made up words' }
  const warn = (): void => undefined
  const root = new RootProcess({ settings: HELD.root, file, environment, warn, launch })
  const paths = { rootFile: file, rootCertificate: join(directory, 'root.pem') }
  const link = new RootLink({ settings, paths, environment, warn, root })
  return { link, calls: fakeKeyholder(requests, authority), started: () => started }
}

function fakeKeyholder(requests: RootRequest[], authority: RootAuthority): Calls {
  const installed: unknown[] = []
  const [own, other] = transportPair()
  const root = authority.certificate.toString('base64')
  const calls = {
    'identity.requests': supervisorToKeyholder['identity.requests'],
    'identity.install': supervisorToKeyholder['identity.install'],
    'identity.list': supervisorToKeyholder['identity.list'],
  }
  new Peer('supervisor', other, {
    out: {},
    in: calls,
    handlers: {
      'identity.requests': () => ({ requests }),
      'identity.install': (made) => {
        installed.push(made)
        return {}
      },
      'identity.list': () => ({
        trustDomain: 'agents.example.org',
        authority: { root, issuing: root, log: root },
        rootProtection: null,
        entries: [],
      }),
    },
  })
  const peer = new Peer('keyholder', own, { out: supervisorToKeyholder, in: {}, handlers: {} })
  return { peer, installed }
}

/** Certifies anything, with nothing. */
class FakeRoot implements RootChild {
  readonly pid = 4711
  readonly peer: RootPeer

  constructor(description: ReturnType<RootAuthority['describe']>) {
    const [own, other] = transportPair()
    const never = (): never => {
      throw new Error('nobody asks for that')
    }
    new Peer('supervisor', other, {
      out: {},
      in: supervisorToRoot,
      handlers: {
        'root.create': never,
        'root.describe': never,
        'root.open': () => description,
        'root.certify': ({ requests }) => ({ certificates: requests.map(() => 'AAAA') }),
      },
    })
    this.peer = new Peer('root', own, { out: supervisorToRoot, in: {}, handlers: {} })
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}
}

function made(): Promise<RootAuthority> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = {
    spki: publicKey.export({ format: 'der', type: 'spki' }),
    protection: { class: 'passphrase', emulated: false } as const,
    sign: async (message: Buffer) =>
      sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
    close: async () => undefined,
  }
  return RootAuthority.create(key, 'agents.example.org', new Date())
}

function request(): RootRequest {
  return {
    purpose: 'issuing',
    spki: 'AAAA',
    trustDomain: 'agents.example.org',
    protection: { class: 'derived', emulated: false },
    notBefore: 0,
    notAfter: 1,
  }
}
