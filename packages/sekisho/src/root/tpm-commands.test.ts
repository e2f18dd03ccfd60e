import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SekishoError } from '../core/error.ts'
import { u16, u32 } from './tpm-bytes.ts'
import type { TpmChannel } from './tpm-channel.ts'
import {
  createParent,
  createSigningKey,
  flush,
  load,
  manufacturer,
  readPublic,
  signDigest,
  startUp,
} from './tpm-commands.ts'

const KEY = { handle: 0x8000_0000 }
const NOTHING = Buffer.alloc(0)
const BLOBS = { private: NOTHING, public: NOTHING }

const COMMANDS: Readonly<Record<string, (tpm: TpmChannel) => Promise<unknown>>> = {
  startUp,
  manufacturer,
  createParent,
  createSigningKey: (tpm) => createSigningKey(tpm, KEY, NOTHING),
  load: (tpm) => load(tpm, KEY, BLOBS),
  readPublic: (tpm) => readPublic(tpm, KEY),
  signDigest: (tpm) => signDigest(tpm, KEY, { auth: NOTHING, digest: Buffer.alloc(32) }),
  flush: (tpm) => flush(tpm, KEY),
}

/** A response without an error; what follows the header is anything. */
const answers = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc
    .uint8Array({ maxLength: 200 })
    .map((rest) => Buffer.concat([u16(0x8002), u32(10 + rest.length), u32(0), rest])),
)

test.for(Object.entries(COMMANDS))(
  'whatever a TPM answers to %s, it is a value or a clear error',
  async ([, command]) => {
    await fc.assert(
      fc.asyncProperty(answers, async (answer) => {
        const tpm = { isDevice: true, exchange: async () => answer, close: async () => undefined }
        const said: unknown = await command(tpm).catch((error: unknown) => error)
        if (said instanceof Error) {
          expect(said).toBeInstanceOf(SekishoError)
          expect(said).toMatchObject({ code: 'ROOT_KEY_UNUSABLE' })
        }
      }),
      // a code that says "again" is asked for again 50 times, a fiftieth of a second apart
      { numRuns: 300 },
    )
  },
)

test('the commands are those of Part 3, byte by byte', async () => {
  const sent: string[] = []
  const tpm = {
    isDevice: true,
    exchange: async (command: Buffer) => {
      sent.push(command.toString('hex'))
      return Buffer.from('80010000000a00000101', 'hex')
    },
    close: async () => undefined,
  }
  for (const command of Object.values(COMMANDS)) await command(tpm).catch(() => undefined)
  const owner = ['40000001', '00000009', '40000009', '0000', '00', '0000']
  const key = ['80000000', '00000009', '40000009', '0000', '00', '0000']
  expect(sent).toEqual(
    [
      ['8001', '0000000c', '00000144', '0000'],
      ['8001', '00000016', '0000017a', '00000006', '00000105', '00000001'],
      // no secret of its own, a restricted P-256 key for AES-128-CFB, nothing outside, no PCRs
      [
        '8002',
        '00000043',
        '00000131',
        ...owner,
        '000400000000',
        '001a',
        '0023',
        '000b',
        '00030472',
      ],
      ['8002', '00000041', '00000153', ...key, '000400000000', '0018', '0023', '000b', '00040072'],
      ['8002', '0000001f', '00000157', ...key, '0000', '0000'],
      ['8001', '0000000e', '00000173', '80000000'],
      // the digest, the key’s own scheme, and no ticket, which only a restricted key wants
      ['8002', '00000047', '0000015d', ...key, '0020', '00'.repeat(32), '0010', '8024', '40000007'],
      ['8001', '0000000e', '00000165', '80000000'],
    ].map((parts, at) => parts.join('') + (ENDS[at] ?? '')),
  )
})

/** Of the templates: no policy, the algorithms, no point yet; then nothing outside, no PCRs. */
const ENDS: Readonly<Record<number, string>> = {
  2: '0000' + '000600800043' + '0010' + '0003' + '0010' + '00000000' + '0000' + '00000000',
  3: '0000' + '0010' + '0018000b' + '0003' + '0010' + '00000000' + '0000' + '00000000',
  6: '0000',
}
