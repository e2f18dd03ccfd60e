import fc from 'fast-check'
import { expect, test } from 'vitest'
import { joinOutcomes } from '../search/story.ts'
import { TotalsCount } from '../search/totals.ts'
import { durationText, TimelineText } from './timeline-text.ts'

const SESSION = 's-00000000000000000000'
const BEGIN = Date.UTC(2026, 0, 2, 23, 59, 50)
const get = {
  kind: 'http.request',
  method: 'GET',
  scheme: 'https',
  host: 'api.test',
  port: 443,
  path: '/x',
  query: null,
}
const allow = { kind: 'allow', rules: ['r'] }

type Leaf = Record<string, unknown>
function at(second: number, leaf: Leaf): Leaf {
  return { at: new Date(BEGIN + second * 1000).toISOString(), session: SESSION, ...leaf }
}

function tell(...leaves: readonly Leaf[]): string[] {
  const words = new TimelineText()
  const events = joinOutcomes(leaves.map((leaf, index) => ({ index, leaf })))
  return [...events].flatMap((event) => words.tell(event))
}

test('a session is told in the order in which things began, with what came of them', () => {
  const hold = 'h-00000000000000000000'
  expect(
    tell(
      at(0, {
        type: 'session.start',
        agent: 'bot',
        argv: ['make'],
        argvOmitted: 0,
        configuration: 'sha256:aa',
        initiator: { uid: 1000, pid: 7 },
        identity: {
          id: 'spiffe://x/y',
          key: 'k1',
          protection: { class: 'software', emulated: false },
        },
        state: { seq: 0, from: null, to: 'sha256:0123456789abcdef' },
      }),
      at(1, {
        type: 'process.exec',
        id: 'x1',
        pid: 9,
        parent: 1,
        path: '/bin/sh',
        argv: ['sh'],
        argvOmitted: 0,
        verdict: allow,
        action: 'session.start',
        repeated: 0,
      }),
      at(2, {
        type: 'action.intent',
        id: 'a',
        action: get,
        verdict: allow,
        credentials: ['token'],
        repeated: 2,
      }),
      at(3, {
        type: 'process.exec',
        id: 'x2',
        pid: 10,
        parent: 9,
        path: '/bin/evil',
        argv: [],
        written: true,
        verdict: { kind: 'deny', reason: 'written' },
        action: 'a',
        repeated: 0,
      }),
      at(4, {
        type: 'action.outcome',
        id: 'a',
        outcome: {
          kind: 'performed',
          status: 200,
          bytesOut: 1,
          bytesIn: 2,
          address: '192.0.2.1',
          scrubbed: 0,
        },
      }),
      at(5, {
        type: 'action.held',
        id: hold,
        action: get,
        rules: ['ask'],
        needs: ['operator'],
        reason: 'asks',
        expiresAt: '2026-01-03T00:05:00.000Z',
      }),
      at(12, {
        type: 'approval.answer',
        signed: { statement: { hold, answer: 'approve', kind: 'operator', note: '' } },
        signer: 'dana',
        result: 'approved',
        why: null,
      }),
      at(12, {
        type: 'action.intent',
        id: 'b',
        action: get,
        verdict: allow,
        credentials: [],
        repeated: 0,
        hold: { id: hold },
      }),
      at(13, {
        type: 'action.intent',
        id: 'c',
        action: get,
        verdict: { kind: 'deny', rules: ['d'], reason: 'no rule' },
        credentials: [],
        repeated: 0,
      }),
      at(13, { type: 'gap', id: 'b', reason: 'lost' }),
      at(200, { type: 'session.end', exitCode: 0, reason: 'exit', counters: {} }),
    ),
  ).toEqual([
    'on 2026-01-02, times in UTC',
    '23:59:50.000  Session starts: agent bot, make; asked for by uid 1000 (pid 7), configuration sha256:aa [state 0: sha256:0123456789ab…]. It acts as spiffe://x/y, key k1, software.',
    '23:59:51.000  It runs /bin/sh as `sh` (pid 9, child of 1).',
    '23:59:52.000  It asks for `GET https://api.test/x` with token (+2 more), allowed by r; 200, 1 bytes out, 2 in, at 192.0.2.1, after 2.000 s.',
    '23:59:53.000  It runs /bin/evil (pid 10, child of 9 /bin/sh, written in this session, for a), which is refused: written.',
    `23:59:55.000  It asks for \`GET https://api.test/x\` and must wait: ask asks operator, asks (${hold}, until 00:05:00).`,
    'on 2026-01-03',
    `00:00:02.000  Answer after 7.000 s: ${hold} approve by dana as operator: approved.`,
    `00:00:02.000  It asks for \`GET https://api.test/x\`, allowed by r, approved as ${hold}; GAP: what came of it is not known: lost.`,
    '00:00:03.000  It asks for `GET https://api.test/x` and is refused by d: no rule.',
    '              … 3 min 7 s without a record',
    '00:03:10.000  The session ends after 3 min 20 s: exit, exit code 0.',
  ])
})

test('an outcome far behind its action is told where it stands', () => {
  const leaves = [
    at(0, { type: 'action.intent', id: 'a', action: get, verdict: allow, credentials: [] }),
    ...Array.from({ length: 5 }, (_, i) => at(i, { type: 'alert', rule: `r${i}` })),
    at(9, { type: 'action.outcome', id: 'a', outcome: { kind: 'refused', reason: 'no' } }),
  ]
  const events = joinOutcomes(
    leaves.map((leaf, index) => ({ index, leaf })),
    4,
  )
  expect([...events].map(({ index, outcome }) => [index, outcome])).toEqual(
    [0, 1, 2, 3, 4, 5, 6].map((index) => [index, null]),
  )
})

const hostile = fc.string({ unit: 'binary', maxLength: 24 })
const anyLeaf = fc.record({
  type: fc.constantFrom(
    'session.start',
    'session.end',
    'action.intent',
    'action.outcome',
    'action.held',
    'approval.answer',
    'process.exec',
    'session.state',
    'gap',
    'alert',
    'constructor',
    '__proto__',
  ),
  at: fc.oneof(
    hostile,
    fc
      .date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) })
      .map((date) => date.toISOString()),
  ),
  id: hostile,
  verdict: fc.record({
    kind: fc.constantFrom('allow', 'deny'),
    rules: fc.array(hostile, { maxLength: 2 }),
    reason: hostile,
  }),
  action: fc.oneof(
    hostile,
    fc.record({
      kind: fc.constantFrom('http.request', 'net.connect', 'x'),
      host: hostile,
      path: hostile,
    }),
  ),
  outcome: fc.oneof(
    fc.anything({ maxDepth: 2 }),
    fc.record({ bytesOut: fc.nat(), bytesIn: fc.nat() }),
  ),
  argv: fc.array(hostile, { maxLength: 2 }),
  path: hostile,
  reason: hostile,
  signer: hostile,
  state: fc.anything({ maxDepth: 1 }),
})

test('whatever a leaf holds, its lines are plain text, and every leaf is counted once', () => {
  fc.assert(
    fc.property(
      fc.array(anyLeaf, { maxLength: 12 }),
      fc.integer({ min: 1, max: 5 }),
      (leaves, window) => {
        const words = new TimelineText()
        const count = new TotalsCount()
        const lines: string[] = []
        for (const event of joinOutcomes(
          leaves.map((leaf, index) => ({ index, leaf })),
          window,
        )) {
          count.add(event.leaf)
          if (event.outcome !== null) count.add(event.outcome.leaf)
          lines.push(...words.tell(event))
        }
        expect(lines.join('')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
        expect(count.totals.leaves).toBe(leaves.length)
        const perType = Object.values(count.totals.types).reduce((sum, n) => sum + n, 0)
        expect(perType).toBe(leaves.length)
      },
    ),
  )
})

test.for([
  [0, '0.000 s'],
  [59_999, '59.999 s'],
  [60_000, '1 min 0 s'],
  [3_723_000, '1 h 2 min'],
] as const)('%d ms are said to be %s', ([ms, expected]) => {
  expect(durationText(ms)).toBe(expected)
})
