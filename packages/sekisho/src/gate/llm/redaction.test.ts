import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { DETECTORS } from '../../detect/egress/all.ts'
import { compileDetectors } from '../../detect/egress/engine.ts'
import { ViewedScan } from '../../detect/egress/views/viewed-scan.ts'
import type { Finding, Scan } from '../../detect/egress/finding.ts'
import { findRanges, findReplyRanges, type Range } from './redaction.ts'

const detectors = compileDetectors(DETECTORS)
const scan = (): ViewedScan => new ViewedScan('text/plain', () => detectors.scan())
/** Made up; put together here so that no scanner takes them for any that were lost. */
const GITLAB = ['glpat', 'x7Q2zB9rKd4mTw8vLc3p'].join('-')
const GITHUB = ['gh', 'p_', 'R7vQ2mXk9LpT4wYs8NbZ1cHd6JfA3e0Gm7Kx'].join('')

const delta = (index: number, kind: string, text: string): string => {
  const type = 'content_block_delta'
  const data = { type, index, delta: { type: `${kind}_delta`, [kind]: text } }
  return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`
}
/** Of the same length, and none of the events that are always the same. */
const asAnyOther = (stream: string): string => stream.replaceAll('_delta\ndata', '_deltA\ndata')

const find = (stream: string): Promise<Range[]> =>
  findReplyRanges(Buffer.from(stream), { redact: ['secret-format'], scan })

test('in events that are always the same, the same is found as in any others', async () => {
  const words = fc.constantFrom(
    GITLAB,
    GITHUB,
    GITLAB.slice(0, 9),
    GITLAB.slice(9),
    'the token is ',
    'password = ',
    'api_key: ',
    'Xk9LpT4wYs8NbZ1cHd6JfA3e0',
    Buffer.from(GITHUB).toString('base64'),
    Buffer.from(GITLAB).toString('hex'),
    ' and\n',
    'é',
    '"',
    '. ',
  )
  const text = fc.array(words, { maxLength: 3 }).map((some) => some.join(''))
  const event = fc.oneof(
    { weight: 8, arbitrary: text.map((one) => delta(0, 'text', one)) },
    text.map((one) => delta(1, 'thinking', one)),
    text.map((one) => delta(0, 'text', one).replace('}}\n', '}   }\n')),
    text.map((one) => `event: error\ndata: {"type":"error","message":${JSON.stringify(one)}}\n\n`),
    fc.constant(`: ${GITLAB}\n\n`),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 12 }), async (events) => {
      const stream = events.join('')
      expect(await find(stream)).toEqual(await find(asAnyOther(stream)))
    }),
    { numRuns: 150 },
  )
})

test('a secret is covered where it stands, whole and in pieces', async () => {
  const pieces = ['It is ', GITLAB.slice(0, 7), GITLAB.slice(7), ' or ', GITLAB]
  const events = pieces.map((one) => delta(0, 'text', one))
  const covered = Buffer.from(events.join(''))
  for (const { start, end } of await find(events.join(''))) covered.fill('*', start, end)
  const told = ['It is ', '*'.repeat(7), '*'.repeat(19), ' or ', '*'.repeat(26)]
  expect(covered.toString()).toBe(told.map((one) => delta(0, 'text', one)).join(''))
})

test('behind more findings than are told, all is covered', async () => {
  const said = Array.from({ length: 1_100 }, (_, n) => GITHUB.replace('R7vQ', `a${1000 + n}`))
  const text = Buffer.from(`${said.join(' ')} ${GITLAB}`)
  const ranges = await findRanges(text, { redact: ['secret.gitlab'], scan })
  expect(ranges).toEqual([{ start: 0, end: text.length }])
  const few = Buffer.from(`${said.slice(0, 900).join(' ')} ${GITLAB}`)
  const only = { start: few.length - GITLAB.length, end: few.length }
  expect(await findRanges(few, { redact: ['secret.gitlab'], scan })).toEqual([only])
})

const inLines = (text: string): string =>
  Buffer.from(text).toString('base64').replace(/.{20}/g, '$&\n      ')
const said = (text: string): Buffer => Buffer.from(JSON.stringify({ hello: 'you', text }))

test('of what is hidden in short lines of base64 each is covered', async () => {
  const body = said(inLines(`the token is ${GITLAB}, ok`))
  for (const { start, end } of await findRanges(body, { redact: ['secret-format'], scan })) {
    body.fill('*', start, end)
  }
  expect(body.toString()).toMatch(/^\{"hello":"you","text":"(?:\*{22} {6}){3}"\}$/)
})

test('what is hidden in no run that may be encoded is covered with all', async () => {
  const body = Buffer.from(GITLAB, 'utf16le')
  const ranges = await findRanges(body, { redact: ['secret-format'], scan })
  expect(ranges).toEqual([{ start: 0, end: body.length }])
})

test('what is hidden in a run is covered with no more than what may be encoded', async () => {
  const run = Buffer.from(`the token is ${GITLAB}, ok`).toString('base64')
  const body = said(run)
  const start = body.indexOf(run)
  const ranges = await findRanges(body, { redact: ['secret-format'], scan })
  expect(ranges).toEqual([{ start, end: start + run.length }])
})

test.each(['text', 'refusal', 'reasoning', 'reasoning_content', 'cited_text'])(
  'a secret that comes in pieces of %s is covered in each of them',
  async (field) => {
    const event = (text: string): string =>
      `data: ${JSON.stringify({ delta: { [field]: text } })}\n\n`
    const pieces = [GITLAB.slice(0, 5), GITLAB.slice(5, 12), GITLAB.slice(12)]
    const stream = Buffer.from(pieces.map(event).join(''))
    for (const { start, end } of await find(stream.toString())) stream.fill('*', start, end)
    expect(stream.toString()).toBe(pieces.map((one) => event('*'.repeat(one.length))).join(''))
  },
)

test('others have their turn while a long text is looked at', async () => {
  const order: string[] = []
  const noting = (): Scan => ({
    push: ({ length }) => {
      order.push(`look ${length}`)
      return []
    },
    end: () => [],
  })
  const looked = findRanges(Buffer.alloc(150_000), { redact: ['pii.'], scan: noting })
  setImmediate(() => order.push('another'))
  await looked
  expect(order).toEqual(['look 65536', 'look 65536', 'another', 'look 18928'])
})

test('however many findings are hidden, what may be encoded is looked for once', async () => {
  const found = Array.from({ length: 900 }, (_, n): Finding => {
    return { detector: 'secret.x', class: 'secret-format', start: n, end: n + 1, view: 'base64' }
  })
  let scans = 0
  const hiding = (): Scan => ({ push: () => [], end: () => (scans++ === 0 ? found : []) })
  const text = Buffer.from(`${'a'.repeat(30)} ${'b'.repeat(40)}`)
  const read = vi.spyOn(text, 'toString')
  const ranges = await findRanges(text, { redact: ['secret.'], scan: hiding })
  expect(ranges).toEqual([
    { start: 0, end: 30 },
    { start: 31, end: 71 },
  ])
  expect(read).toHaveBeenCalledOnce()
})
