import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DETECTORS } from '../../detect/egress/all.ts'
import { compileDetectors } from '../../detect/egress/engine.ts'
import { ViewedScan } from '../../detect/egress/views/viewed-scan.ts'
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

const find = (stream: string): Range[] =>
  findReplyRanges(Buffer.from(stream), { redact: ['secret-format'], scan })

test('in events that are always the same, the same is found as in any others', () => {
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
  fc.assert(
    fc.property(fc.array(event, { maxLength: 12 }), (events) => {
      const stream = events.join('')
      expect(find(stream)).toEqual(find(asAnyOther(stream)))
    }),
    { numRuns: 150 },
  )
})

test('a secret is covered where it stands, whole and in pieces', () => {
  const pieces = ['It is ', GITLAB.slice(0, 7), GITLAB.slice(7), ' or ', GITLAB]
  const events = pieces.map((one) => delta(0, 'text', one))
  const covered = Buffer.from(events.join(''))
  for (const { start, end } of find(events.join(''))) covered.fill('*', start, end)
  const told = ['It is ', '*'.repeat(7), '*'.repeat(19), ' or ', '*'.repeat(26)]
  expect(covered.toString()).toBe(told.map((one) => delta(0, 'text', one)).join(''))
})

test('behind more findings than are told, all is covered', () => {
  const said = Array.from({ length: 1_100 }, (_, n) => GITHUB.replace('R7vQ', `a${1000 + n}`))
  const text = Buffer.from(`${said.join(' ')} ${GITLAB}`)
  const ranges = findRanges(text, { redact: ['secret.gitlab'], scan })
  expect(ranges).toEqual([{ start: 0, end: text.length }])
  const few = Buffer.from(`${said.slice(0, 900).join(' ')} ${GITLAB}`)
  const only = { start: few.length - GITLAB.length, end: few.length }
  expect(findRanges(few, { redact: ['secret.gitlab'], scan })).toEqual([only])
})
