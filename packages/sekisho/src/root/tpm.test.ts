import { createPublicKey, randomBytes, verify } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KeptKey, RootKey } from './provider.ts'
import { SoftTpm } from './testing/swtpm.ts'
import { TpmDevice } from './testing/tpm-device.ts'
import { tpmProvider } from './tpm.ts'

const AUTH = ['an', 'auth', 'value'].join(' ')
let directory = ''
let tpm: SoftTpm
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sk-tpm-'))
  tpm = new SoftTpm(join(directory, 'a'))
  await tpm.start()
})
afterAll(async () => {
  await tpm.stop()
  rmSync(directory, { recursive: true })
})

const settings = (of = tpm): { provider: 'tpm2'; socket: string } => ({
  provider: 'tpm2',
  socket: of.socket,
})

describe('a key of a TPM', () => {
  let kept: KeptKey
  let spki: Buffer
  beforeAll(async () => {
    const made = await tpmProvider.create(settings(), AUTH)
    kept = made.kept
    spki = made.key.spki
    await made.key.close()
  })

  test('says that this TPM is a program', async () => {
    await using(kept, AUTH, async (key) => {
      expect(key.protection).toEqual({ class: 'tpm2', emulated: true })
    })
  })

  test('signs what Node verifies, many times and of any length', async () => {
    await using(kept, AUTH, async (key) => {
      for (const length of [0, 1, 1000, 100_000]) {
        const message = randomBytes(length)
        expect(isBy(key.spki, message, await key.sign(message))).toBe(true)
      }
    })
  })

  test('is the same after the TPM was restarted', async () => {
    await tpm.stop()
    await tpm.start()
    await using(kept, AUTH, async (key) => {
      const message = Buffer.from('after the restart')
      expect(key.spki).toEqual(spki)
      expect(isBy(spki, message, await key.sign(message))).toBe(true)
    })
  })

  test('leaves nothing in the TPM: it opens more often than a TPM has room', async () => {
    for (let turn = 0; turn < 5; turn += 1) await using(kept, AUTH, async () => undefined)
  })

  test('does not sign with another auth value, which is in no error', async () => {
    const wrong = 'not this 4711'
    await using(kept, wrong, async (key) => {
      const failed: unknown = await key.sign(Buffer.from('x')).catch((error: unknown) => error)
      expect(failed).toMatchObject({
        code: 'ROOT_KEY_UNUSABLE',
        message: 'TPM2_Sign: another auth value than the key was made with (0x98e)',
      })
      expect(JSON.stringify(failed)).not.toContain('4711')
    })
  })

  test('is of no use to another TPM', async () => {
    const other = new SoftTpm(join(directory, 'b'))
    await other.start()
    try {
      await expect(tpmProvider.open(settings(other), AUTH, kept)).rejects.toMatchObject({
        code: 'ROOT_KEY_UNUSABLE',
        message: 'TPM2_Load: the key is of another TPM, or its file was changed (0x1df)',
      })
    } finally {
      await other.stop()
    }
  })

  test.for(['public', 'private'] as const)('with its %s part changed is refused', async (part) => {
    if (kept.provider !== 'tpm2') throw new Error(`a key of ${kept.provider}`)
    const bytes = Buffer.from(kept[part], 'base64')
    const at = bytes.length - 1
    bytes[at] = (bytes[at] ?? 0) ^ 1
    const changed = { ...kept, [part]: bytes.toString('base64') }
    await expect(tpmProvider.open(settings(), AUTH, changed)).rejects.toMatchObject({
      code: 'ROOT_KEY_UNUSABLE',
    })
  })
})

test('the TPM itself counts wrong auth values, and locks', async () => {
  const own = new SoftTpm(join(directory, 'c'))
  await own.start()
  try {
    const { key, kept } = await tpmProvider.create(settings(own), AUTH)
    await key.close()
    const wrong = await tpmProvider.open(settings(own), 'another', kept)
    const said: string[] = []
    for (let guess = 0; guess < 5; guess += 1) {
      said.push(await wrong.sign(Buffer.from('x')).then(String, ({ message }) => String(message)))
    }
    await wrong.close()
    expect(said.at(0)).toContain('another auth value than the key was made with')
    expect(said.at(-1)).toContain('has counted too many wrong auth values and is locked')
    const right = await tpmProvider.open(settings(own), AUTH, kept)
    await expect(right.sign(Buffer.from('x'))).rejects.toThrow('is locked')
    await right.close()
  } finally {
    await own.stop()
  }
})

test.for([
  ['IBM', true],
  ['IFX', false],
  ['INTC', false],
  ['XYZ', true],
] as const)('a device of the maker %s: is it a program? %s', async ([maker, emulated]) => {
  const device = await TpmDevice.open(tpm.socket, maker)
  try {
    const at = { provider: 'tpm2', device: device.path } as const
    const { key, kept } = await tpmProvider.create(at, AUTH)
    await key.close()
    const again = await tpmProvider.open(at, AUTH, kept)
    const message = randomBytes(1000)
    expect([again.protection, isBy(key.spki, message, await again.sign(message))]).toEqual([
      { class: 'tpm2', emulated },
      true,
    ])
    await again.close()
  } finally {
    await device.close()
  }
})

test('without an auth value a key opens without one', async () => {
  const { key, kept } = await tpmProvider.create(settings(), null)
  await key.close()
  await using(kept, null, async (again) => {
    const message = Buffer.from('x')
    expect(isBy(key.spki, message, await again.sign(message))).toBe(true)
  })
})

test.for([
  ['nobody', undefined],
  ['who hangs up', (socket: net.Socket): void => void socket.end()],
  [
    'who sends a length without an end',
    (socket: net.Socket): void => void socket.write(Buffer.from('8001ffffffff00000000', 'hex')),
  ],
  [
    'who sends more than was asked',
    (socket: net.Socket): void => void socket.write(Buffer.alloc(5000, 0x80)),
  ],
  [
    'who answers less than it should',
    (socket: net.Socket): void => void socket.write(Buffer.from('80010000000a00000000', 'hex')),
  ],
] as const)('a socket of %s is no TPM', async ([, answer]) => {
  const path = join(directory, `${randomBytes(4).toString('hex')}.sock`)
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', () => answer?.(socket))
  })
  if (answer !== undefined) await new Promise<void>((resolve) => server.listen(path, resolve))
  const opened = tpmProvider.create({ provider: 'tpm2', socket: path }, null)
  await expect(opened).rejects.toMatchObject({ code: 'ROOT_KEY_UNUSABLE' })
  server.close()
})

test('a device that is not there is named with what to do', async () => {
  const device = join(directory, 'tpmrm0')
  await expect(tpmProvider.create({ provider: 'tpm2', device }, null)).rejects.toMatchObject({
    code: 'ROOT_KEY_UNUSABLE',
    message: `the TPM ${device} cannot be opened`,
  })
})

async function using(
  kept: KeptKey,
  auth: string | null,
  use: (key: RootKey) => Promise<void>,
): Promise<void> {
  const key = await tpmProvider.open(settings(), auth, kept)
  try {
    await use(key)
  } finally {
    await key.close()
  }
}

function isBy(spki: Buffer, message: Buffer, signature: Buffer): boolean {
  const key = createPublicKey({ key: spki, format: 'der', type: 'spki' })
  return verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature)
}
