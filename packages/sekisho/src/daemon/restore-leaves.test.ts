import { expect, test } from 'vitest'
import type { PreImage } from '../wire/recovery.ts'
import { KeptActionsReader, planRestore } from './restore-leaves.ts'

const digest = (text: string): string => `sha256:${text.padEnd(64, '0')}`
const A = digest('a')
const B = digest('b')
const C = digest('c')

type Done = {
  id: string
  method?: string
  url?: string
  before?: string | null
  sent?: string | null
  etagBefore?: string | null
  etagAfter?: string
  verdict?: string
  outcome?: object | null
}

/** Leaves of one action, as the log has them. */
function leavesOf(done: Done): object[] {
  const { id, method = 'PUT', url = '/page', before = A, sent = null, etagBefore = null } = done
  const { etagAfter, verdict = 'allow', outcome = { kind: 'performed', status: 204 } } = done
  const action = {
    kind: 'http.request',
    scheme: 'https',
    method,
    host: 'wiki.example',
    port: 443,
    path: url,
    query: null,
  }
  const preimage: PreImage = {
    content: before,
    bytes: 1,
    etag: etagBefore,
    recipe: digest(`f${id}`),
    resource: digest(`e${url.length}`),
    sent,
    recovery: { method: 'PUT', path: null },
  }
  const etag = etagAfter === undefined ? {} : { etag: etagAfter }
  return [
    { v: 1, at: 'x', type: 'action.preimage', session: 's', id, action, preimage },
    { v: 1, at: 'x', type: 'action.intent', session: 's', id, action, verdict: { kind: verdict } },
    ...(outcome === null
      ? []
      : [{ v: 1, type: 'action.outcome', session: 's', id, outcome: { ...outcome, ...etag } }]),
  ]
}

function plan(
  done: readonly Done[],
  { from = null, isForced = false }: { from?: string | null; isForced?: boolean } = {},
): [id: string, keptBack: number][] {
  const reader = new KeptActionsReader()
  for (const leaf of done.flatMap(leavesOf)) reader.take(leaf)
  return planRestore(reader.read(), { from, isForced }).map(({ item, keptBack }) => [
    item.id,
    keptBack,
  ])
}

test('each resource is put back once, the last one changed first', () => {
  const done = [
    { id: '1', method: 'DELETE', url: '/a' },
    { id: '2', method: 'DELETE', url: '/bb' },
    { id: '3', method: 'DELETE', url: '/ccc' },
  ]
  expect(plan(done)).toEqual([
    ['3', 0],
    ['2', 0],
    ['1', 0],
  ])
})

test.each([
  [
    'by what was sent',
    [
      { id: '1', before: A, sent: B },
      { id: '2', before: B, sent: C },
      { id: '3', before: C, method: 'DELETE' },
    ],
  ],
  [
    'by ETags',
    [
      { id: '1', before: A, method: 'PATCH', etagAfter: '"2"' },
      { id: '2', before: B, method: 'PATCH', etagBefore: '"2"', etagAfter: '"3"' },
    ],
  ],
  [
    'by what was gone',
    [
      { id: '1', before: A, method: 'DELETE' },
      { id: '2', before: null, sent: B },
    ],
  ],
])('several changes of one resource are one step back, known as a chain %s', (_, done) => {
  expect(plan(done)).toEqual([['1', 0]])
})

test.each([
  ['wrote another text', { id: '1', before: A, sent: B }, { id: '2', before: C, sent: A }],
  ['made it anew', { id: '1', before: A, method: 'DELETE' }, { id: '2', before: C }],
  ['deleted it', { id: '1', before: A, sent: B }, { id: '2', before: null }],
  ['may have changed it', { id: '1', before: A, method: 'PATCH' }, { id: '2', before: B }],
])('where somebody else %s in between, what they left is what is put back', (_, first, second) => {
  expect(plan([first, second])).toEqual([['2', 1]])
  expect(plan([first, second], { isForced: true })).toEqual([['1', 0]])
})

test('what was refused, denied or answered with an error is not taken back', () => {
  const done = [
    { id: '1', url: '/a', verdict: 'deny', outcome: null },
    { id: '2', url: '/bb', outcome: { kind: 'refused' } },
    { id: '3', url: '/ccc', outcome: { kind: 'performed', status: 412 } },
  ]
  expect(plan(done)).toEqual([])
})

test('what broke off, has no outcome yet or leads elsewhere may have happened', () => {
  const done = [
    { id: '1', url: '/a', outcome: { kind: 'failed' } },
    { id: '2', url: '/bb', outcome: null },
    { id: '3', url: '/ccc', outcome: { kind: 'performed', status: 303 } },
    { id: '4', url: '/dddd', outcome: { kind: 'performed', status: null } },
  ]
  expect(plan(done).map(([id]) => id)).toEqual(['4', '3', '2', '1'])
})

test('one action is taken back with those after it on its resource, and no other', () => {
  const done = [
    { id: '1', before: A, sent: B },
    { id: '2', before: B, sent: C },
    { id: '3', before: C, sent: A },
    { id: '4', url: '/other', method: 'DELETE' },
  ]
  expect(plan(done, { from: '2' })).toEqual([['2', 0]])
  expect(plan(done, { from: '4' })).toEqual([['4', 0]])
  expect(plan(done, { from: 'x' })).toEqual([])
})

test('what the last action has left is told, not what the earlier ones had', () => {
  const reader = new KeptActionsReader()
  const done = [
    { id: '1', before: A, sent: B, etagAfter: '"2"' },
    { id: '2', before: B, sent: C, etagBefore: '"2"', etagAfter: '"3"' },
  ]
  reader.take({ type: 'session.start', agent: 'wiki' })
  for (const leaf of done.flatMap(leavesOf)) reader.take(leaf)
  const actions = reader.read()
  expect(actions.agent).toBe('wiki')
  expect(planRestore(actions, { from: null, isForced: false })).toEqual([
    {
      item: {
        id: '1',
        recipe: digest('f1'),
        left: { isAbsent: false, content: C, etag: '"3"' },
      },
      url: 'https://wiki.example:443/page',
      keptBack: 0,
    },
  ])
})

test('of an action that was looked at twice the last look counts', () => {
  const [first = {}, intent = {}] = leavesOf({ id: '1', before: A, method: 'DELETE' })
  const [again = {}] = leavesOf({ id: '1', before: B, method: 'DELETE' })
  const reader = new KeptActionsReader()
  for (const leaf of [first, again, intent]) reader.take(leaf)
  expect(reader.read().done.map(({ preimage }) => preimage.content)).toEqual([B])
})

test('leaves that are no such thing are passed over', () => {
  const reader = new KeptActionsReader()
  for (const leaf of [null, 7, {}, { type: 'action.preimage', id: 'x' }, { type: 'gap' }]) {
    reader.take(leaf)
  }
  expect(reader.read()).toEqual({ agent: null, done: [] })
})
