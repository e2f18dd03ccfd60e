import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { stringify } from 'yaml'
import * as z from 'zod'
import { UIDS } from '../../src/daemon/identities.ts'
import { makeTokens, SOFTHSM } from '../../src/root/testing/softhsm.ts'
import { SoftTpm } from '../../src/root/testing/swtpm.ts'
import { RootFile } from '../../src/wire/root.ts'
import { startPlatform } from '../agents/platform.ts'
import { environmentOf, LAUNCHER } from './instance.ts'

/** `sekisho root init` and `show`: the real process, under its own uid, in its own namespaces. */

const SECRET = ['four', 'made', 'up', 'words'].join(' ')
const PIN = '47110815'

/** Five starts of a platform, on a busy machine. */
const STARTS_TIMEOUT_MS = 120_000
const AGENTS = { default: { version: 1, name: 'default', presets: 'none' } }
const Shown = z.looseObject({ leaf: z.unknown() })

let home = ''
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'sk-root-'))
  chmodSync(home, 0o755) // the process has a uid of its own
  mkdirSync(join(home, 'policy'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

test('a root is made from what was typed, shown, and made only once', async () => {
  configure({ provider: 'passphrase', passphrase: 'credential:root' })
  const made = await sekisho(['root', 'init', '--type'], { typed: `${SECRET}\n` })
  expect(made.code).toBe(0)
  expect(made.stdout).toMatch(/^protection {4}passphrase: in a file, which only its passphrase/m)
  const shown = await sekisho(['root', 'show', '--json'])
  const known: unknown = JSON.parse(shown.stdout)
  const pem = await sekisho(['root', 'show', '--pem'])
  const certificate = new X509Certificate(pem.stdout)
  expect(known).toEqual({
    trustDomain: 'agents.example.org',
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    key: expect.stringMatching(/^[0-9a-f]{32}$/),
    protection: { class: 'passphrase', emulated: false },
    notAfter: certificate.validToDate.toISOString(),
    file: rootFile(),
  })
  expect(statSync(rootFile()).mode & 0o777).toBe(0o600)
  expect(readFileSync(rootFile(), 'utf8')).not.toMatch(/PRIVATE|four made/)
  const again = await sekisho(['root', 'init', '--type'], { typed: `${SECRET}\n` })
  expect([again.code, again.stderr.split('\n')[0]]).toEqual([
    64,
    `sekisho: USAGE: ${rootFile()} is there already`,
  ])
})

test.for(['root.pem', 'keyholder/log/000000000001.log'])(
  'no second root is made beside %s',
  async (file) => {
    configure({ provider: 'passphrase', passphrase: 'env:ROOT' })
    mkdirSync(join(home, 'state/keyholder/log'), { recursive: true })
    writeFileSync(join(home, 'state', file), 'x')
    const { code, stderr } = await sekisho(['root', 'init'], { env: { ROOT: SECRET } })
    expect(code).toBe(64)
    expect(stderr).toMatch(
      /^sekisho: USAGE: this platform has begun without .*\nhint: put root\.json back/,
    )
    expect(existsSync(rootFile())).toBe(false)
  },
)

test('a TPM makes the root, and the root says that it is a program', async () => {
  const tpm = new SoftTpm(join(home, 'tpm'))
  await tpm.start()
  try {
    chmodSync(tpm.socket, 0o666)
    configure({ provider: 'tpm2', socket: tpm.socket, auth: 'env:TPM_AUTH' })
    const { code, stdout, stderr } = await sekisho(['root', 'init', '--json'], {
      env: { TPM_AUTH: SECRET },
    })
    expect([code, stderr]).toEqual([0, ''])
    expect(JSON.parse(stdout)).toMatchObject({ protection: { class: 'tpm2', emulated: true } })
  } finally {
    await tpm.stop()
  }
})

test('a token makes the root for the uid of the root’s process', async () => {
  mkdirSync(join(home, 'hsm'))
  const config = makeTokens(join(home, 'hsm'), [{ label: 'root', pin: PIN }], UIDS.root)
  const pin = join(home, 'pin')
  writeFileSync(pin, `${PIN}\n`, { mode: 0o600 })
  configure({
    provider: 'pkcs11',
    module: SOFTHSM,
    token: 'root',
    pin: `file:${pin}`,
    environment: { SOFTHSM2_CONF: config },
  })
  const { code, stdout, stderr } = await sekisho(['root', 'init', '--json'])
  expect([code, stderr]).toEqual([0, ''])
  expect(JSON.parse(stdout)).toMatchObject({ protection: { class: 'pkcs11', emulated: true } })
})

test('a token of another uid’s is not seen, and what to do is', async () => {
  mkdirSync(join(home, 'hsm'))
  const config = makeTokens(join(home, 'hsm'), [{ label: 'root', pin: PIN }])
  chmodSync(join(home, 'hsm/tokens'), 0o700)
  const environment = { SOFTHSM2_CONF: config }
  configure({ provider: 'pkcs11', module: SOFTHSM, token: 'root', pin: 'env:PIN', environment })
  const { code, stderr } = await sekisho(['root', 'init'], { env: { PIN } })
  expect(code).toBe(3)
  expect(stderr).toMatch(/^sekisho: ROOT_KEY_UNUSABLE: /)
  expect(stderr).not.toContain(PIN)
  expect(() => statSync(rootFile())).toThrow('ENOENT')
})

test('a passphrase that others can read is not taken', async () => {
  const file = join(home, 'passphrase')
  writeFileSync(file, SECRET)
  chmodSync(file, 0o644)
  configure({ provider: 'passphrase', passphrase: `file:${file}` })
  const { code, stderr } = await sekisho(['root', 'init'])
  expect([code, stderr.split('\n')[0]]).toEqual([
    77,
    `sekisho: PERMISSION_REQUIRED: ${file} is open to others`,
  ])
})

test('the process that has the secret shows it to nobody, and has no network', async () => {
  const deaf = net.createServer((socket) => void held.push(socket.on('error', () => undefined)))
  const held: net.Socket[] = []
  const path = join(home, 'deaf.sock')
  await new Promise<void>((resolve) => deaf.listen(path, resolve))
  chmodSync(path, 0o666)
  configure({ provider: 'tpm2', socket: path, auth: `file:${join(home, 'auth')}` })
  writeFileSync(join(home, 'auth'), SECRET, { mode: 0o600 })
  const asked = sekisho(['root', 'init'])
  await expect.poll(() => held.length).toBe(1)
  const pid = rootsProcess()
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  expect({
    uids: /^Uid:\t(.*)$/m.exec(status)?.[1],
    gids: /^Gid:\t(.*)$/m.exec(status)?.[1],
    groups: /^Groups:\t(.*)$/m.exec(status)?.[1]?.trim(),
    capabilities: /^CapEff:\t0*(.*)$/m.exec(status)?.[1],
    ownNetwork: readlinkSync(`/proc/${pid}/ns/net`) !== readlinkSync('/proc/self/ns/net'),
    shown: ['cmdline', 'environ'].filter((name) =>
      readFileSync(`/proc/${pid}/${name}`, 'latin1').includes(SECRET),
    ),
  }).toEqual({
    uids: Array(4).fill(UIDS.root).join('\t'),
    gids: Array(4).fill(UIDS.root).join('\t'),
    groups: '',
    capabilities: '',
    ownNetwork: true,
    shown: [],
  })
  for (const socket of held) socket.destroy() // it hangs up
  const { code, stderr } = await asked
  expect([code, stderr.split('\n')[0]]).toEqual([
    3,
    'sekisho: ROOT_KEY_UNUSABLE: the TPM does not answer as one',
  ])
  expect(existsSync(`/proc/${pid}`)).toBe(false)
  deaf.close()
})

test(
  'a whole platform hangs on a TPM: on record, verified, and on no other root later',
  async () => {
    const tpm = new SoftTpm(join(home, 'tpm'))
    await tpm.start()
    const root = { provider: 'tpm2', socket: tpm.socket, auth: 'env:TPM_AUTH' }
    const secrets = { TPM_AUTH: SECRET }
    try {
      chmodSync(tpm.socket, 0o666)
      configure(root)
      expect(await start({})).toContain('ROOT_KEY_UNUSABLE: no root key was made yet')
      expect(await sekisho(['root', 'init'], { env: secrets })).toMatchObject({ code: 0 })
      expect(await start({ TPM_AUTH: 'another' })).toContain('another auth value')
      const platform = await startPlatform({ home, agents: AGENTS, secrets })
      expect(platform.said()).toMatch(/degraded +root-key-emulated: the tpm2 that has the root key/)
      expect(await platform.sekisho('run', '--', 'true')).toMatchObject({ code: 0 })
      await platform.stop()
    } finally {
      await tpm.stop()
    }
    // nothing is certified again before half of the certificates' life: the TPM is not needed
    const again = await startPlatform({ home, agents: AGENTS, secrets: {} })
    expect(await again.sekisho('run', '--', 'true')).toMatchObject({ code: 0 })
    await again.stop()
    const { certificate } = RootFile.parse(JSON.parse(readFileSync(rootFile(), 'utf8')))
    expect(await leavesOf('identity.authority')).toEqual([
      expect.objectContaining({
        trustDomain: 'agents.example.org',
        root: certificate,
        rootProtection: { class: 'tpm2', emulated: true },
        reason: 'first',
      }),
    ])
    const verified = await sekisho(['log', 'verify'])
    expect([verified.code, verified.stderr]).toEqual([0, ''])
    expect(verified.stdout).toMatch(/^sound: /)
    expect(readFileSync(join(home, 'state/root.pem'), 'utf8')).toBe(
      new X509Certificate(Buffer.from(certificate, 'base64')).publicKey
        .export({ type: 'spki', format: 'pem' })
        .toString(),
    )
    configure({ provider: 'derived' })
    expect(await start({})).toContain('CONFIG_INVALID: this platform')
  },
  STARTS_TIMEOUT_MS,
)

test('without a provider there is nothing to make, and nothing to show', async () => {
  configure({ provider: 'derived' })
  expect(await sekisho(['root', 'init'])).toMatchObject({ code: 64 })
  expect(await sekisho(['root', 'show'])).toMatchObject({ code: 3 })
})

/** What a daemon says that does not come up. */
async function start(secrets: Record<string, string>): Promise<string> {
  try {
    const platform = await startPlatform({ home, agents: AGENTS, secrets })
    await platform.stop()
    return 'it started'
  } catch (error) {
    return String(error)
  }
}

async function leavesOf(type: string): Promise<unknown[]> {
  const { stdout } = await sekisho(['log', 'show', '--json'])
  return stdout
    .split('\n')
    .filter((line) => line.includes(`"type":"${type}"`))
    .map((line) => Shown.parse(JSON.parse(line)).leaf)
}

/** The one of this test: below this process. */
function rootsProcess(): number {
  const found = readdirSync('/proc').filter((name) => {
    const read = (file: string): string => readFileSync(`/proc/${name}/${file}`, 'latin1')
    try {
      return /^\d+$/.test(name) && read('cmdline').includes('root-main.ts') && isBelow(name)
    } catch {
      return false // gone meanwhile
    }
  })
  expect(found).toHaveLength(1)
  return Number(found[0])
}

function isBelow(pid: string): boolean {
  if (pid === String(process.pid)) return true
  const parent = /^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return parent !== undefined && parent !== '0' && isBelow(parent)
}

const rootFile = (): string => join(home, 'state/root.json')

function configure(root: Record<string, unknown>): void {
  const settings = { version: 1, identity: { trustDomain: 'agents.example.org', root } }
  writeFileSync(join(home, 'policy/platform.yaml'), stringify(settings))
}

type Said = { code: number; stdout: string; stderr: string }

function sekisho(
  argv: readonly string[],
  { typed = '', env = {} }: { typed?: string; env?: Record<string, string> } = {},
): Promise<Said> {
  return new Promise((resolve) => {
    const options = { env: { ...environmentOf(home), ...env }, timeout: 30_000 }
    const child = execFile(LAUNCHER, argv, options, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr })
    })
    child.stdin?.end(typed)
  })
}
