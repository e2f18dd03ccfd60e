import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeTokens, SOFTHSM } from '../root/testing/softhsm.ts'
import { SoftTpm } from '../root/testing/swtpm.ts'
import { TpmDevice } from '../root/testing/tpm-device.ts'
import type { Protection, RootRequest } from '../wire/identity.ts'
import { type HeldRootSettings, RootSettings } from '../wire/root-settings.ts'
import { writeRootFile } from './root-file.ts'
import { RootProcess } from './root-process.ts'
import { ForkedRoot } from './testing/root-child.ts'

const SECRET = '47110815'
let directory = ''
let tpm: SoftTpm
let hsm = ''
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sk-root-'))
  tpm = new SoftTpm(join(directory, 'tpm'))
  await tpm.start()
  mkdirSync(join(directory, 'hsm'))
  hsm = makeTokens(join(directory, 'hsm'), [{ label: 'root', pin: SECRET }])
})
afterAll(async () => {
  await tpm.stop()
  rmSync(directory, { recursive: true })
})

const DEVICES: readonly (readonly [string, Protection, () => unknown])[] = [
  [
    'a token',
    { class: 'pkcs11', emulated: true },
    () => ({
      provider: 'pkcs11',
      module: SOFTHSM,
      token: 'root',
      pin: 'env:SECRET',
      environment: { SOFTHSM2_CONF: hsm },
    }),
  ],
  [
    'a TPM',
    { class: 'tpm2', emulated: true },
    () => ({ provider: 'tpm2', socket: tpm.socket, auth: 'env:SECRET' }),
  ],
]

test.for(DEVICES)(
  '%s certifies in a process with the rights that it has, again after a restart',
  async ([, protection, settings]) => {
    const { root, children } = rig(settings())
    const made = await root.create('agents.example.org')
    writeRootFile(join(directory, `${protection.class}.json`), made.file)
    if (protection.class === 'tpm2') {
      await tpm.stop()
      await tpm.start()
    }
    const asked = request()
    const certified = await root.certify([asked])
    expect([certified.root, certified.rootProtection]).toEqual([
      made.description.certificate,
      protection,
    ])
    const [certificate] = certified.certificates.map(read)
    expect(certificate?.checkIssued(read(certified.root))).toBe(true)
    expect(certificate?.verify(read(certified.root).publicKey)).toBe(true)
    const spki = certificate?.publicKey.export({ format: 'der', type: 'spki' })
    expect(spki?.toString('base64')).toBe(asked.spki)
    expect(children.map(({ isGone }) => isGone)).toEqual([true, true])
    expect(children.map(({ output }) => output)).toEqual(['', ''])
    expect(children.flatMap(({ commandLine }) => commandLine).join(' ')).not.toContain(SECRET)
  },
)

test('the process opens a device by the rights that it has for that one', async () => {
  const device = await TpmDevice.open(tpm.socket, 'IFX')
  try {
    const { root, children } = rig({ provider: 'tpm2', device: device.path })
    const { description } = await root.create('agents.example.org')
    expect(description.protection).toEqual({ class: 'tpm2', emulated: false })
    expect(children.map(({ output }) => output)).toEqual([''])
  } finally {
    await device.close()
  }
})

test('a TPM that never answers is not waited for, and its process is gone', async () => {
  const path = join(directory, 'deaf.sock')
  const held: net.Socket[] = []
  const deaf = net.createServer((socket) => void held.push(socket.on('error', () => undefined)))
  await new Promise<void>((resolve) => deaf.listen(path, resolve))
  const { root, children } = rig({ provider: 'tpm2', socket: path }, 300)
  await expect(root.create('agents.example.org')).rejects.toMatchObject({ code: 'TIMEOUT' })
  expect(children.map(({ isGone }) => isGone)).toEqual([true])
  for (const socket of held) socket.destroy()
  deaf.close()
})

test('a wrong PIN is tried once', async () => {
  const settings = DEVICES[0]?.[2]()
  const { root, children } = rig(settings, undefined, 'not this one')
  await expect(root.create('agents.example.org')).rejects.toMatchObject({
    code: 'ROOT_KEY_UNUSABLE',
    message: 'C_Login: another PIN than the token’s (0xa0)',
  })
  expect(children).toHaveLength(1)
})

function rig(
  of: unknown,
  timeoutMs?: number,
  secret = SECRET,
): { root: RootProcess; children: ForkedRoot[] } {
  const settings = held(RootSettings.parse(of))
  const children: ForkedRoot[] = []
  const root = new RootProcess({
    settings,
    file: join(directory, `${settings.provider}.json`),
    environment: { SECRET: secret },
    warn: () => undefined,
    launch: () => {
      const child = new ForkedRoot(settings)
      children.push(child)
      return child
    },
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  })
  return { root, children }
}

function held(settings: RootSettings): HeldRootSettings {
  if (settings.provider === 'derived') throw new Error('it is nobody’s')
  return settings
}

function request(): RootRequest {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const notBefore = Date.now()
  return {
    purpose: 'issuing',
    spki: publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
    trustDomain: 'agents.example.org',
    protection: { class: 'derived', emulated: false },
    notBefore,
    notAfter: notBefore + 86_400_000,
  }
}

function read(certificate: string): X509Certificate {
  return new X509Certificate(Buffer.from(certificate, 'base64'))
}
