import { expect, test } from 'vitest'
import { describeCost, describeModelLeaf } from './llm-leaf-text.ts'

const call = {
  type: 'llm.call',
  id: 'a-1',
  provider: 'anthropic',
  model: 'claude-sonnet-5',
  served: 'claude-sonnet-5',
  counted: { input: 12, cacheRead: 50_000, cacheWrite: 340, output: 77 },
  microUsd: 16_155,
  stop: 'end_turn',
  calls: { proposed: 0, released: 0, replaced: 0 },
  coverage: [{ part: 'request', bytes: 9, did: 'inspected', by: ['egress'] }],
  durationMs: 812,
}

test.for<[name: string, leaf: object, text: string]>([
  [
    'a call',
    call,
    '  a-1 anthropic:claude-sonnet-5: 12+50000r+340w→77 tokens, 0.016155 USD, end_turn, 812 ms',
  ],
  [
    'a call that another model answered, with tools, one of them replaced',
    {
      ...call,
      served: 'claude-haiku-5',
      stop: null,
      microUsd: null,
      calls: { proposed: 3, released: 2, replaced: 1 },
    },
    '  a-1 anthropic:claude-sonnet-5, served by claude-haiku-5: 12+50000r+340w→77 tokens, ? USD, no stop, 2 of 3 calls released, 1 replaced, 812 ms',
  ],
  [
    'a call of which a part could not be looked into',
    { ...call, coverage: [{ part: 'audio', bytes: 5, did: 'unsupported', by: [] }] },
    '  a-1 anthropic:claude-sonnet-5: 12+50000r+340w→77 tokens, 0.016155 USD, end_turn, 812 ms, UNSUPPORTED audio 5 bytes',
  ],
  [
    'a call that filters of others were asked about',
    {
      ...call,
      filters: [
        { filter: 'a', side: 'request', said: 'nothing' },
        { filter: 'b', side: 'request', said: 'found' },
        { filter: 'c', side: 'reply', said: 'failed' },
      ],
    },
    '  a-1 anthropic:claude-sonnet-5: 12+50000r+340w→77 tokens, 0.016155 USD, end_turn, 812 ms, filter b found something in the request, filter c HAS NOT LOOKED at the reply',
  ],
  [
    'recordings over their time',
    { type: 'recording.removed', recordings: 3, bytes: 700, reason: 'retention', by: null },
    'removed 3 recordings of model calls, 700 bytes, by the platform: retention',
  ],
  [
    'recordings that an operator erased',
    { type: 'recording.removed', recordings: 3, bytes: 700, reason: 'erased', by: 1000 },
    'removed 3 recordings of model calls, 700 bytes, by uid 1000: erased',
  ],
])('%s is said in words', ([, leaf, text]) => {
  expect(describeModelLeaf({ ...leaf })).toBe(text)
})

test('any other leaf is not told here', () => {
  expect(describeModelLeaf({ type: 'alert' })).toBeUndefined()
})

test('a cost that nobody knows is not nothing', () => {
  expect([describeCost(null), describeCost(0)]).toEqual(['? USD', '0.00 USD'])
})
