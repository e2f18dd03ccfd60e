import { generateKeyPairSync, sign } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SekishoError } from '../core/error.ts'
import { transportPair } from '../gate/testing/rig.ts'
import { RootAuthority } from '../root/authority.ts'
import type { Protection, RootRequest } from '../wire/identity.ts'
import { supervisorToKeyholder } from '../wire/keyholder.ts'
import { Peer } from '../wire/peer.ts'
import { type RootDescription, supervisorToRoot } from '../wire/root.ts'
import type { KeyholderPeer } from './child-kinds.ts'
import { writeRootFile } from './root-file.ts'
import { RootLink } from './root-link.ts'
import { type RootChild, type RootPeer, RootProcess } from './root-process.ts'
import type { Settings } from './settings.ts'

const DERIVED = { root: { provider: 'derived' } } as const
const HELD = { root: { provider: 'passphrase', passphrase: 'env:P' } } as const
let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sekisho-link-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

test('what the keyholder lacks is certified and installed', async () => {
  const authority = await made()
  const { link, calls } = rig(HELD, { authority, requests: [request()] })
  expect(link.keyholderArguments).toEqual(['external', 'agents.example.org'])
  await link.serve(calls.peer)
  expect(calls.installed).toEqual([
    {
      root: authority.certificate.toString('base64'),
      rootProtection: { class: 'passphrase', emulated: false },
      certificates: ['AAAA'],
    },
  ])
  expect(link.degraded).toEqual([])
})

test('where nothing is lacking no process is started', async () => {
  const { link, calls, started } = rig(HELD, { authority: await made(), requests: [] })
  await link.serve(calls.peer)
  expect([calls.installed, started()]).toEqual([[], 0])
})

test('a derived root has no process, and the trust domain that the settings name', async () => {
  const { link, calls, started } = rig(DERIVED, { authority: await made(), requests: [] })
  await link.serve(calls.peer)
  expect([link.keyholderArguments, calls.installed, started()]).toEqual([['derived'], [], 0])
  const named = rig(
    { ...DERIVED, trustDomain: 'a.example' },
    { authority: await made(), requests: [] },
  )
  expect(named.link.keyholderArguments).toEqual(['derived', 'a.example'])
})

test('another trust domain than the root was made for is refused', async () => {
  const { link } = rig(
    { ...HELD, trustDomain: 'other.example.org' },
    { authority: await made(), requests: [] },
  )
  expect(() => link.keyholderArguments).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
})

test('before anything was certified, a root that does not open ends the start', async () => {
  const parts = { authority: await made(), requests: [request()], isFirst: true, fails: true }
  const { link, calls } = rig(HELD, parts)
  await expect(link.serve(calls.peer)).rejects.toMatchObject({ code: 'ROOT_KEY_UNUSABLE' })
})

test('later it is a warning, and a wrong secret is not tried again', async () => {
  const parts = { authority: await made(), requests: [request()], fails: true }
  const { link, calls, started, warned } = rig(HELD, parts)
  await link.serve(calls.peer)
  await link.serve(calls.peer)
  expect([started(), warned, link.degraded]).toEqual([
    1,
    ['the root certifies nothing: it does not open'],
    ['root-key: it does not open; certificates run out'],
  ])
})

test('a device that is a program is degraded', async () => {
  const authority = await made({ class: 'tpm2', emulated: true })
  const { link, calls } = rig(HELD, { authority, requests: [] })
  await link.serve(calls.peer)
  expect(link.degraded).toEqual(['root-key-emulated: the tpm2 that has the root key is a program'])
})

type Parts = {
  authority: RootAuthority
  requests: RootRequest[]
  /** nothing was certified before */
  isFirst?: boolean
  fails?: boolean
}
type Calls = { peer: Pick<KeyholderPeer, 'call'>; installed: unknown[] }

function rig(
  settings: Settings['identity'],
  { authority, requests, isFirst = false, fails = false }: Parts,
): { link: RootLink; calls: Calls; started: () => number; warned: string[] } {
  const description = authority.describe()
  const file = join(directory, 'root.json')
  if (settings.root.provider !== 'derived') {
    const kdf = { name: 'scrypt', N: 2 ** 17, r: 8, p: 1, salt: `${'A'.repeat(43)}=` } as const
    const key = { provider: 'passphrase', kdf, nonce: 'A'.repeat(16), sealed: 'AAAA' } as const
    writeRootFile(file, { version: 1, ...description, key })
  }
  let started = 0
  const launch = (): RootChild => {
    started += 1
    return new FakeRoot(description, fails)
  }
  const environment = { P: 'made up words' }
  const warned: string[] = []
  const warn = (line: string): void => void warned.push(line)
  const root = new RootProcess({ settings: HELD.root, file, environment, warn, launch })
  const link = new RootLink({ settings, file, environment, warn, root })
  const calls = fakeKeyholder(requests, isFirst ? undefined : authority)
  return { link, calls, started: () => started, warned }
}

function fakeKeyholder(requests: RootRequest[], authority: RootAuthority | undefined): Calls {
  const installed: unknown[] = []
  const [own, other] = transportPair()
  const root = authority?.certificate.toString('base64')
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
        authority: root === undefined ? null : { root, issuing: root, log: root },
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

  constructor(description: RootDescription, fails: boolean) {
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
        'root.open': () => {
          if (!fails) return description
          throw new SekishoError('ROOT_KEY_UNUSABLE', 'it does not open')
        },
        'root.certify': ({ requests }) => ({ certificates: requests.map(() => 'AAAA') }),
      },
    })
    this.peer = new Peer('root', own, { out: supervisorToRoot, in: {}, handlers: {} })
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}
}

function made(
  protection: Protection = { class: 'passphrase', emulated: false },
): Promise<RootAuthority> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = {
    spki: publicKey.export({ format: 'der', type: 'spki' }),
    protection,
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
