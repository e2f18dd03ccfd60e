import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { noteSigner } from '@sekisho/verify'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SekishoError } from '../core/error.ts'
import { openLog } from '../keyholder/log/open-log.ts'
import { modelCall, modelIntent, OTHER, SESSION } from '../keyholder/testing/leaves.ts'
import { readContent } from '../wire/content.ts'
import { logRead } from '../wire/log-read.ts'
import { Peer } from '../wire/peer.ts'
import { eraseSession } from '../wire/recordings.ts'
import { socketTransport } from '../wire/transport.ts'
import { llm } from './llm.ts'
import { said } from './testing/said.ts'

const signer = noteSigner('sekisho/log/test', generateKeyPairSync('ed25519').privateKey)
const digestOf = (digit: string): string => `sha256:${digit.repeat(64)}`
const request = { bytes: 17, digest: digestOf('a'), kept: true }
const reply = { bytes: 9, digest: digestOf('b'), kept: true }
const unkept = { bytes: 9, digest: digestOf('c'), kept: false }
const seen = { part: 'request', bytes: 900, did: 'inspected' as const, by: ['egress', 'injection'] }
const passed = { part: 'reply thinking', bytes: 100, did: 'passed' as const, by: [] }

const leaves: readonly object[] = [
  {
    type: 'session.start',
    session: SESSION,
    agent: 'a',
    argv: ['sh'],
    initiator: { uid: 0, pid: 1 },
  },
  {
    type: 'session.start',
    session: OTHER,
    agent: 'b',
    argv: ['sh'],
    initiator: { uid: 0, pid: 1 },
  },
  modelIntent('g-0'),
  modelCall('g-0', {
    request,
    reply,
    calls: { proposed: 3, released: 2, replaced: 1 },
    coverage: [seen, passed],
  }),
  { ...modelIntent('g-1'), verdict: { kind: 'deny', rules: ['budget.day'], reason: 'spent' } },
  { ...modelIntent('g-0'), session: OTHER },
  modelCall('g-0', {
    session: OTHER,
    microUsd: null,
    request: unkept,
    coverage: [{ ...seen, bytes: 100 }],
  }),
]

let home = ''
let server: net.Server | undefined
/** what the platform was asked, in order */
let happened: string[] = []
let contents: Map<string, Buffer>
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'sekisho-cli-llm-'))
  vi.stubEnv('SEKISHO_HOME', home)
  mkdirSync(join(home, 'run'))
  let second = 0
  const now = (): Date => new Date(Date.UTC(2026, 0, 2, 3, 4, second++))
  const dir = join(home, 'state/keyholder/log')
  const written = await openLog({ dir, signer, now })
  for (const leaf of leaves) await written.append(leaf)
  await written.close()
  writeFileSync(join(home, 'state/log.vkey'), signer.vkey)
  happened = []
  contents = new Map([
    [request.digest, Buffer.from('{"model":"m \\u001b[2J"}')],
    [reply.digest, Buffer.from('data: {"text":"hi"}\n\n')],
  ])
  await platform()
})
afterEach(() => {
  server?.close()
  vi.unstubAllEnvs()
  rmSync(home, { recursive: true })
})

async function platform(): Promise<void> {
  const own = { 'log.read': logRead, 'content.read': readContent, 'llm.erase': eraseSession }
  server = net.createServer((socket) => {
    const peer = new Peer('client', socketTransport(socket), {
      out: {},
      in: own,
      handlers: {
        'log.read': ({ what, query }) => {
          happened.push(`${what} ${query}`)
          return { index: 1 }
        },
        'content.read': ({ what, session, digest, offset }) => {
          happened.push(`${what} ${session} ${digest.slice(0, 10)}`)
          const content = contents.get(digest)
          if (content === undefined)
            throw new SekishoError('CONTENT_LOST', 'it is not kept any more')
          const piece = content.subarray(offset, offset + 12) // so that it comes in pieces
          return { totalBytes: content.length, piece: piece.toString('base64') }
        },
        'llm.erase': ({ session }) => {
          happened.push(`erase ${session}`)
          return { recordings: 4, bytes: 700 }
        },
      },
    })
    peer.onClose(() => socket.destroy())
  })
  const listening = server
  await new Promise<void>((resolve) => void listening.listen(join(home, 'run/api.sock'), resolve))
}

test('calls are listed with their tokens, cost, verdict and tools, denied ones too', async () => {
  expect(await said(llm, 'calls', SESSION)).toEqual({
    code: 0,
    err: [],
    out: [
      'TIME                 CALL  MODEL                      INPUT  CACHE READ  CACHE WRITE  OUTPUT  COST          VERDICT  TOOL CALLS',
      '2026-01-02 03:04:02  g-0   anthropic:claude-sonnet-5  12     50000       340          77      0.016155 USD  allow    2 of 3',
      '2026-01-02 03:04:04  g-1   anthropic:claude-sonnet-5                                                        deny',
    ],
  })
  expect(happened).toEqual([`query llm calls ${SESSION}`])
})

test('calls of all sessions, of one model, and as JSON', async () => {
  const { out } = await said(llm, 'calls', '--json', '--model', 'anthropic:*')
  expect(out.map((line): unknown => JSON.parse(line))).toMatchObject([
    { index: 2, call: { id: 'g-0' } },
    { index: 4, call: null },
    { index: 5, call: { session: OTHER } },
  ])
  expect((await said(llm, 'calls', '--model', 'openai:*')).out).toHaveLength(1)
  await expect(said(llm, 'calls', '--model', 'gpt-5')).rejects.toMatchObject({
    code: 'USAGE',
    message: '--model gpt-5 names no provider',
  })
})

test('a list of the calls of several sessions says whose each is', async () => {
  const { out } = await said(llm, 'calls')
  expect(out.map((line) => line.slice(21).split('  ')[0])).toEqual([
    'SESSION',
    SESSION,
    SESSION,
    OTHER,
  ])
})

test('a call is shown as it was kept, each side on record before it is', async () => {
  const { code, out } = await said(llm, 'show', 'g-0', '--session', SESSION)
  expect(code).toBe(0)
  expect(out).toEqual([
    `3 2026-01-02T03:04:03.000Z ${SESSION}  g-0 anthropic:claude-sonnet-5: 12+50000r+340w→77 tokens, 0.016155 USD, end_turn, 2 of 3 calls released, 1 replaced, 812 ms`,
    '',
    `request, 17 bytes, ${request.digest}:`,
    '{',
    '  "model": "m \\u001b[2J"',
    '}',
    '',
    `reply, 9 bytes, ${reply.digest}:`,
    'data: {"text":"hi"}',
    '',
    '',
  ])
  expect([...new Set(happened)]).toEqual([
    `show llm show g-0 --session ${SESSION}`,
    `recording ${SESSION} sha256:aaa`,
    `recording ${SESSION} sha256:bbb`,
  ])
})

test('of a call whose digest alone was kept, or that was erased, that is said', async () => {
  const { out } = await said(llm, 'show', 'g-0', '--session', OTHER, '--side', 'request')
  expect(out.at(-1)).toBe(`request, 9 bytes, ${unkept.digest}: its digest alone was kept`)
  contents.clear()
  const erased = await said(llm, 'show', 'g-0', '--session', SESSION, '--json')
  expect(JSON.parse(erased.out[0] ?? '')).toMatchObject({
    requestMissing: 'it is not kept any more',
    replyMissing: 'it is not kept any more',
  })
})

test('a call of which there are two, none, or no side is an error with a hint', async () => {
  await expect(said(llm, 'show', 'g-0')).rejects.toMatchObject({
    code: 'USAGE',
    hint: `add --session: ${SESSION}, ${OTHER}`,
  })
  await expect(said(llm, 'show', 'g-7')).rejects.toMatchObject({ code: 'USAGE' })
  const side = said(llm, 'show', 'g-0', '--session', SESSION, '--side', 'both')
  await expect(side).rejects.toMatchObject({ code: 'USAGE' })
  expect(happened.filter((one) => one.startsWith('recording'))).toEqual([])
})

test('coverage is summed by format, part and what looked at it', async () => {
  const { code, out } = await said(llm, 'coverage')
  expect(code).toBe(0)
  expect(out).toEqual([
    'FORMAT    PART            WAS        CALLS  BYTES  BY',
    'messages  reply thinking  passed     1      100',
    'messages  request         inspected  2      1000   egress, injection',
    '2 calls, 1100 bytes, of which 1000 were inspected (90.9 %)',
  ])
})

test.for<[string[], number]>([
  [['coverage', '--require-full'], 1],
  [['coverage', OTHER, '--require-full'], 0],
  [['coverage', SESSION, '--require-full'], 1],
  [['coverage', 's-22222222222222222222'], 1],
  [['calls', 's-22222222222222222222'], 1],
])('llm %s comes to the status %s', async ([argv, code]) => {
  expect((await said(llm, ...argv)).code).toBe(code)
})

test('a session is exported with all that was said, one call a line', async () => {
  const { code, out } = await said(llm, 'export', SESSION)
  expect(code).toBe(0)
  expect(out.map((line): unknown => JSON.parse(line))).toMatchObject([
    { index: 3, request: '{"model":"m \\u001b[2J"}', reply: 'data: {"text":"hi"}\n\n' },
  ])
  expect(happened[0]).toBe(`export llm export ${SESSION}`)
  await expect(said(llm, 'export')).rejects.toMatchObject({ code: 'USAGE' })
})

test('a session is erased by the platform, which says what went', async () => {
  expect(await said(llm, 'erase', SESSION)).toEqual({
    code: 0,
    out: [`erased 4 recordings of ${SESSION}, 700 bytes`],
    err: [],
  })
  await expect(said(llm, 'erase')).rejects.toMatchObject({ code: 'USAGE' })
  await expect(said(llm, 'erase', 'all')).rejects.toMatchObject({ code: 'USAGE' })
  expect(happened).toEqual([`erase ${SESSION}`])
})

test.for(['calls', 'show', 'coverage', 'export'])(
  'llm %s shows nothing that is not on record',
  async (name) => {
    server?.close()
    await new Promise<void>((resolve) => {
      server = net.createServer((socket) => socket.destroy())
      server.listen(join(home, 'run/api.sock'), () => resolve())
    })
    const shown: string[] = []
    const say = (line: string): void => void shown.push(line)
    const argv = name === 'show' ? ['show', 'g-0', '--session', SESSION] : [name, SESSION]
    await expect(llm.run(argv, { out: say, err: () => undefined })).rejects.toMatchObject({
      code: 'LOG_UNWRITABLE',
    })
    expect(shown).toEqual([])
  },
)
