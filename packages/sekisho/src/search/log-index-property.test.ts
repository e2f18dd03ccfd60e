import { readLeaves } from '@sekisho/verify'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FACETS, type Facet, FacetReader } from './facets.ts'
import { type Filter, isWanted, withUserNames } from './filter.ts'
import { timeOf } from './leaf-fields.ts'
import { LogIndex } from './log-index.ts'
import { WrittenLog } from './testing/written-log.ts'
import { searchedWords, wordsOf } from './words.ts'

const [A, B] = ['s-00000000000000000000', 's-11111111111111111111']

const names = fc.constantFrom('a', 'b', 'api.example.com', 'x.example.com', 'é"x', 'f1', "o'k")
const session = fc.constantFrom(A, B)
const id = fc.constantFrom('1', '2', 'session.end')
const leaves = fc.array(
  fc.oneof(
    fc.record({
      type: fc.constant('session.start'),
      session,
      agent: names,
      initiator: fc.record({ uid: fc.integer({ min: 0, max: 2 }) }),
    }),
    fc.record({
      type: fc.constantFrom('action.intent', 'action.held'),
      session,
      id,
      action: fc.record({
        kind: fc.constantFrom('http.request', 'dns.resolve'),
        host: names,
        name: names,
      }),
      verdict: fc.record({ kind: fc.constantFrom('allow', 'deny'), rules: fc.array(names) }),
      rules: fc.array(names, { maxLength: 2 }),
      credentials: fc.array(names, { maxLength: 2 }),
      facts: fc.record({ user: fc.constantFrom('alice', 'bob', 'uid-1') }),
      hold: fc.option(fc.record({ id })),
    }),
    fc.record({ type: fc.constantFrom('action.outcome', 'gap'), session, id, text: names }),
    fc.record({
      type: fc.constant('approval.answer'),
      session,
      signer: names,
      result: fc.constantFrom('approved', 'waiting', 'refused'),
      signed: fc.record({ statement: fc.record({ hold: id }) }),
    }),
    fc.record({ type: names, session: fc.constant(null), text: fc.string({ unit: 'grapheme' }) }),
  ),
  { minLength: 1, maxLength: 12 },
)
const batches = fc.array(
  fc.record({
    leaves,
    minute: fc.integer({ min: 0, max: 59 }),
    isNewSegment: fc.boolean(),
    isLastOfRun: fc.boolean(),
  }),
  { minLength: 1, maxLength: 6 },
)
const minutes = fc.option(fc.integer({ min: 0, max: 60 }))
type Asked = {
  facets: [Facet, string[]][]
  text: string
  since: number | null
  until: number | null
}
const filters: fc.Arbitrary<Asked[]> = fc.array(
  fc.record({
    facets: fc.array(
      fc.tuple(
        fc.constantFrom(...FACETS),
        fc.array(
          fc.oneof(
            names,
            session,
            fc.constantFrom('*', 'alice', 'allow', '*.example.com', 'a*', 'uid-1'),
          ),
          {
            minLength: 1,
            maxLength: 2,
          },
        ),
      ),
      { maxLength: 2 },
    ),
    text: fc.oneof(names, fc.constantFrom('', 'exa*', 'COM api', '*')),
    since: minutes,
    until: minutes,
  }),
  { minLength: 4, maxLength: 8 },
)

test('the index finds what a plain filter over all leaves finds', async () => {
  await fc.assert(
    fc.asyncProperty(batches, filters, async (written, asked) => {
      using log = new WrittenLog()
      for (const [i, batch] of written.entries()) {
        if (i === 0 || batch.isNewSegment) log.segment()
        const at = timeAt(batch.minute)
        log.seal(...batch.leaves.map((leaf) => ({ ...leaf, at })))
        if (batch.isLastOfRun) await indexed(log, () => undefined)
      }
      const wanted = asked.map(toFilter)
      const expected = await Promise.all(wanted.map((filter) => filterPlainly(log, filter)))
      const got = await indexed(log, (index) =>
        wanted.map((filter) => ({ found: indexesOf(index, filter), count: index.count(filter) })),
      )
      expect(got).toEqual(expected.map((indexes) => ({ found: indexes, count: indexes.length })))
    }),
    { numRuns: 30 },
  )
})

async function indexed<T>(
  { dir, index: file }: WrittenLog,
  use: (index: LogIndex) => T,
): Promise<T> {
  const index = await LogIndex.open({ dir, file }, (line) => expect.unreachable(line))
  try {
    return use(index)
  } finally {
    index.close()
  }
}

function toFilter({ facets, text, since, until }: Asked): Filter {
  return {
    facets: new Map(facets),
    words: searchedWords(text),
    sinceMs: since === null ? null : Date.parse(timeAt(since)),
    untilMs: until === null ? null : Date.parse(timeAt(until)),
  }
}

function indexesOf(index: LogIndex, filter: Filter): number[] {
  return [...index.find(filter)].map((leaf) => leaf.index)
}

function timeAt(minute: number): string {
  return new Date(Date.UTC(2026, 0, 2, 3, minute)).toISOString()
}

async function filterPlainly(log: WrittenLog, filter: Filter): Promise<number[]> {
  const store = new Map<string, string>()
  const reader = new FacetReader({
    get: (key) => store.get(key),
    set: (key, value) => void store.set(key, value),
    delete: (key) => void store.delete(key),
  })
  const all = []
  for await (const { index, leaf } of readLeaves(log.dir)) {
    all.push({ index, facets: reader.read(leaf), words: wordsOf(leaf), atMs: timeOf(leaf) })
  }
  const named = withUserNames(filter, reader)
  return all.filter((leaf) => isWanted(named, leaf)).map(({ index }) => index)
}
