import { expect, test } from 'vitest'
import * as z from 'zod'
import { checkProvenance, ProvenanceKeys, provenancePlan } from './provenance-schema.ts'

const Keys = z.strictObject(ProvenanceKeys)

test('left out, nothing is looked at and nothing is counted', () => {
  expect(Keys.parse({})).toEqual({ provenance: null, budgets: [] })
})

test('a short entry looks at every rule, and takes the session for private from the start', () => {
  const { provenance } = Keys.parse({ provenance: {} })
  expect(provenance).toEqual({
    rules: 'all',
    indexes: [],
    private: [],
    startsPrivate: true,
    templates: [],
  })
  if (provenance === null) return
  expect(provenancePlan(provenance, ['https://a.example/'])).toMatchObject({
    rules: 'all',
    taskUrls: ['https://a.example/'],
  })
})

test('a budget has sizes in binary units, and null where it sets no limit', () => {
  const { budgets } = Keys.parse({
    budgets: [{ host: '*.a.example', bytesOut: '1MiB', distinctUrls: 50 }],
  })
  expect(budgets).toEqual([
    { host: '*.a.example', bytesOut: 1_048_576, distinctUrls: 50, urlEntropyBits: null },
  ])
})

test.for([
  [{ provenance: { template: [] } }, 'Unrecognized key'],
  [{ provenance: { rules: [] } }, 'Too small'],
  [{ provenance: { templates: ['https://{h}/'] } }, 'does not begin with a scheme'],
  [{ budgets: [{ host: 'a.example' }] }, 'a budget names at least one of'],
  [{ budgets: [{ host: '*.com', distinctUrls: 1 }] }, 'spans names that anyone can register'],
  [{ budgets: [{ host: 'a.example', distinctUrls: -1 }] }, 'Too small'],
])('%j is refused: %s', ([input, message]) => {
  const { error } = Keys.safeParse(input)
  expect(error?.issues[0]?.message).toContain(message)
})

test('ids that no rule has, and indexes that are never read, are problems', () => {
  const { provenance } = Keys.parse({
    provenance: { rules: ['docz'], indexes: ['docs'], private: ['docs'] },
  })
  expect(checkProvenance(provenance, ['docs'])).toEqual([
    {
      path: ['provenance', 'rules', 0],
      at: 'value',
      message: 'provenance.rules[0]: no allow rule is called `docz`',
      hint: 'did you mean `docs`?',
    },
    {
      path: ['provenance', 'indexes'],
      at: 'key',
      message: 'provenance.indexes: the session starts private, so no reply makes a URL known',
      hint: 'write startsPrivate: false if the workspace and the task hold nothing private',
    },
  ])
  expect(checkProvenance(null, [])).toEqual([])
})
