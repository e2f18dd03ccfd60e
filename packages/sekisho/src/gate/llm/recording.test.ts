import { hash, randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { beforeEach, expect, test } from 'vitest'
import { SekishoError } from '../../core/error.ts'
import { DETECTORS } from '../../detect/egress/all.ts'
import { compileDetectors } from '../../detect/egress/engine.ts'
import { ViewedScan } from '../../detect/egress/views/viewed-scan.ts'
import type { LlmSettings } from '../../wire/llm.ts'
import { FakeRecordings } from '../testing/recordings.ts'
import { BodyMemory } from '../inspection/body-memory.ts'
import { CallRecorder, type CallRecorderParts } from './recording.ts'

const SESSION = 's-00000000000000000000'
const detectors = compileDetectors(DETECTORS)
/** Made up; put together here so that no scanner takes it for one that was lost. */
const token = ['glpat', 'x7Q2zB9rKd4mTw8vLc3p'].join('-')

let keyholder: FakeRecordings
let settings: LlmSettings['recording']
let named: string[]
beforeEach(() => {
  keyholder = new FakeRecordings()
  settings = { mode: 'full', days: 30, redact: ['secret-format'] }
  named = []
})

function recorder(over: Partial<CallRecorderParts> = {}): CallRecorder {
  return new CallRecorder({
    session: SESSION,
    link: {
      putRecording: async (piece) => keyholder.put(piece),
      nameContent: async ({ sha256 }) => {
        named.push(sha256)
        return `sha256:${'e'.repeat(64)}`
      },
    },
    settings: () => settings,
    scan,
    foundIn: () => undefined,
    ...over,
  })
}

function scan(): ViewedScan {
  return new ViewedScan('application/json', () => detectors.scan())
}

/** As clients send it: what was said before, what is new, and the same tools as always. */
function turn(number: number, { said = 'words', tools = 'x'.repeat(40_000) } = {}): Buffer {
  const messages = Array.from({ length: number }, (_, i) => ({
    role: 'user',
    content: `${said} ${i}`,
  }))
  return Buffer.from(JSON.stringify({ model: 'm', messages, tools }))
}

test('of each further turn what is new is sent, and what is kept is all of it', async () => {
  const one = recorder()
  for (let number = 1; number <= 5; number++) await one.put('request', turn(number))
  expect(keyholder.kept.map(({ content }) => content)).toEqual([1, 2, 3, 4, 5].map((n) => turn(n)))
  expect(keyholder.kept[0]?.sentBytes).toBe(turn(1).length)
  const later = keyholder.kept.slice(1).map(({ sentBytes }) => sentBytes)
  expect(Math.max(...later)).toBeLessThan(60)
})

test('helpers beside the main conversation each lean on their own', async () => {
  const one = recorder()
  const helper = (n: number): Buffer => turn(n, { said: 'title', tools: 'y'.repeat(9000) })
  for (const body of [turn(1), helper(1), turn(2), helper(2)]) await one.put('request', body)
  expect(keyholder.kept.slice(2).every(({ sentBytes }) => sentBytes < 80)).toBe(true)
})

test('a request says what was kept, and a reply leans on nothing', async () => {
  const one = recorder()
  const request = await one.put('request', turn(1))
  const reply = await one.put('reply', turn(1))
  expect(request).toEqual({
    bytes: turn(1).length,
    digest: keyholder.kept[0]?.digest,
    kept: true,
  })
  expect(reply.kept).toBe(true)
  expect(keyholder.kept[1]).toMatchObject({ side: 'reply', sentBytes: turn(1).length })
})

test('a keyholder that has forgotten gets it again with nothing left out', async () => {
  const one = recorder()
  await one.put('request', turn(1))
  keyholder.forgetsBases = true
  await one.put('request', turn(2))
  expect(keyholder.kept.at(-1)).toMatchObject({ content: turn(2), sentBytes: turn(2).length })
  keyholder.forgetsBases = false
  await one.put('request', turn(3))
  expect(keyholder.kept.at(-1)?.sentBytes).toBeLessThan(60)
})

test('what leans on 64 others is sent whole again', async () => {
  const one = recorder()
  for (let number = 1; number <= 67; number++) {
    await one.put('request', turn(number, { tools: 'x'.repeat(3000) }))
  }
  const whole = keyholder.kept.flatMap(({ sentBytes, content }, index) =>
    sentBytes === content.length ? [index] : [],
  )
  expect(whole).toEqual([0, 65])
})

test('more than one message takes comes in pieces', async () => {
  settings = { ...settings, redact: [] }
  const body = randomBytes(4_000_000)
  await recorder().put('request', body)
  const [kept] = keyholder.kept
  expect([kept?.content.equals(body), kept?.pieces]).toEqual([true, 3])
})

test('what is said again word for word costs no byte', async () => {
  const one = recorder()
  await one.put('request', turn(3))
  await one.put('request', turn(3))
  expect(keyholder.kept[1]).toMatchObject({ content: turn(3), sentBytes: 0 })
})

test('secrets are covered before anything leaves the gate, and stay so in each turn', async () => {
  const one = recorder()
  const said = `use ${token} please`
  for (let number = 1; number <= 4; number++) {
    const side = await one.put('request', turn(number, { said }))
    const { content } = keyholder.kept.at(-1) ?? { content: Buffer.alloc(0) }
    expect(content.includes(token)).toBe(false)
    expect(content.toString()).toBe(
      turn(number, { said }).toString().replaceAll(token, '*'.repeat(token.length)),
    )
    expect(side.bytes).toBe(content.length)
  }
  expect(keyholder.kept.slice(1).every(({ sentBytes }) => sentBytes < 120)).toBe(true)
})

test('switched off, the same secret is kept: what the rule above rests on', async () => {
  settings = { ...settings, redact: [] }
  await recorder().put('request', turn(1, { said: token }))
  expect(keyholder.kept[0]?.content.includes(token)).toBe(true)
})

test('rules that come into force cover what was kept in the clear by those before', async () => {
  const one = recorder()
  settings = { ...settings, redact: [] }
  await one.put('request', turn(2, { said: token }))
  settings = { ...settings, redact: ['secret.'] }
  await one.put('request', turn(3, { said: token }))
  expect(keyholder.kept[1]?.content.includes(token)).toBe(false)
})

test('what was found before it was let out is covered without a second look', async () => {
  const memory = new BodyMemory(0)
  const foundIn = (body: Buffer): ReturnType<BodyMemory['foundIn']> => memory.foundIn(body)
  let looks = 0
  const counted = (): ViewedScan => {
    looks += 1
    return scan()
  }
  const one = recorder({ scan: counted, foundIn })
  for (let number = 1; number <= 3; number++) {
    const body = turn(number, { said: token })
    const look = memory.scan(scan)
    look.push(body)
    look.end()
    await one.put('request', body)
    expect(keyholder.kept.at(-1)?.content.toString()).toBe(
      body.toString().replaceAll(token, '*'.repeat(token.length)),
    )
  }
  expect(looks).toBe(0)
  const changed = turn(3, { said: `${token} ` }) // as with a limit that the gate has put in
  await one.put('request', changed)
  expect(keyholder.kept.at(-1)?.content.includes(token)).toBe(false)
  expect(looks).toBe(1)
})

test('a secret in an encoding is covered with the whole run that hides it', async () => {
  const hidden = Buffer.from(`the token is ${token}, do not tell`).toString('base64')
  await recorder().put('request', turn(1, { said: hidden, tools: 'words and more words' }))
  const text = keyholder.kept[0]?.content.toString() ?? ''
  expect(text).not.toContain(hidden.slice(8, 40))
  expect(text).toContain('words and more words')
})

test('a reply is covered as well', async () => {
  await recorder().put('reply', Buffer.from(`data: {"text":"it is ${token}"}\n\n`))
  expect(keyholder.kept[0]?.content.includes(token)).toBe(false)
})

test('a secret that comes in pieces is covered in each of the events that bring it', async () => {
  const pieces = [token.slice(0, 3), token.slice(3, 11), token.slice(11)]
  const event = (text: string): string =>
    `event: content_block_delta\ndata: ${JSON.stringify({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })}\n\n`
  const reply = (texts: readonly string[]): string =>
    [event('it is "'), ...texts.map(event), event('", nothing else')].join('')
  await recorder().put('reply', Buffer.from(reply(pieces)))
  const stars = pieces.map((piece) => '*'.repeat(piece.length))
  expect(keyholder.kept[0]?.content.toString()).toBe(reply(stars))
})

test('a string as long as a reply may be does not run out of stack', async () => {
  const long = Buffer.from(`{"text":"${String.raw`\n`.repeat(2_000_000)}","text":"x"}`)
  settings = { ...settings, redact: ['canary'] }
  const one = new CallRecorder({
    session: SESSION,
    link: { putRecording: async (piece) => keyholder.put(piece), nameContent: async () => '' },
    settings: () => settings,
    scan: () => ({ push: () => [], end: () => [] }),
    foundIn: () => undefined,
  })
  await one.put('reply', long)
  expect(keyholder.kept[0]?.content.equals(long)).toBe(true)
})

test('with `mode: digest` nothing that was said leaves the gate', async () => {
  settings = { ...settings, mode: 'digest' }
  const side = await recorder().put('request', turn(1))
  expect(side).toEqual({ bytes: turn(1).length, digest: `sha256:${'e'.repeat(64)}`, kept: false })
  expect(named).toEqual([`sha256:${hash('sha256', turn(1))}`])
  expect(keyholder.kept).toEqual([])
})

test('where there is no room a request fails, and a reply, which has left, is named', async () => {
  keyholder.failure = new SekishoError('CONTENT_UNKEPT', 'the disk is nearly full')
  await expect(recorder().put('request', turn(1))).rejects.toMatchObject({ code: 'CONTENT_UNKEPT' })
  expect(await recorder().put('reply', turn(1))).toMatchObject({ kept: false })
  keyholder.failure = new SekishoError('LOG_UNWRITABLE', 'gone')
  await expect(recorder().put('reply', turn(1))).rejects.toMatchObject({ code: 'LOG_UNWRITABLE' })
})

test('more than 32 MiB is kept of no side', async () => {
  const huge = Buffer.alloc(32 * 1024 * 1024 + 1)
  await expect(recorder().put('request', huge)).rejects.toMatchObject({ code: 'CONTENT_UNKEPT' })
  expect(await recorder().put('reply', huge)).toMatchObject({ kept: false, bytes: huge.length })
})

const piece = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.constant(token),
  fc.constant('w '.repeat(3000)),
  fc.constant(Buffer.from(token).toString('base64')),
)

test('whatever the texts, what is kept is put together rightly and holds no secret', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(piece, { maxLength: 6 }), { maxLength: 6 }),
      async (turns) => {
        keyholder = new FakeRecordings()
        const one = recorder()
        for (const pieces of turns) {
          const body = Buffer.from(pieces.join(' '))
          await one.put('request', body) // the keyholder's fake holds it to its SHA-256
          const { content } = keyholder.kept.at(-1) ?? { content: Buffer.from(token) }
          expect(content.length).toBe(body.length)
          expect(content.includes(token)).toBe(false)
        }
      },
    ),
    { numRuns: 60 },
  )
})

test.each([
  ['short', 200],
  ['longer than what anybody remembers of', 120_000],
])(
  'a secret in base64 of gzip, of which the first half was kept in a body %s, is covered',
  async (_, times) => {
    const text = Buffer.from(`${'she reads a file '.repeat(600)} ${token} and more`)
    const hidden = gzipSync(text, { level: 0 }).toString('base64')
    const said = (end: string): Buffer =>
      Buffer.from(`{"a":"${'it is '.repeat(times)}","b":"${end}`)
    const one = recorder()
    await one.put('request', said(hidden.slice(0, -160)))
    await one.put('request', said(`${hidden}"}`))
    const kept = keyholder.kept[1]?.content.toString('latin1') ?? ''
    expect(kept).toContain('"b":"*')
    expect(kept).not.toContain(hidden.slice(-160, -60))
  },
)
