import { expect, test } from 'vitest'
import { describeAction } from './leaf-text.ts'

const MODEL = { provider: 'anthropic', model: 'claude-sonnet-5' }
const CALL = { kind: 'llm.tool-call', ...MODEL, tool: 'Bash', does: 'shell' }

test.for<[string, Record<string, unknown>, string]>([
  [
    'a model that is asked',
    { kind: 'llm.generate', ...MODEL, host: 'api.anthropic.com', serverTools: [] },
    'ask anthropic:claude-sonnet-5 at api.anthropic.com',
  ],
  [
    'one that may search',
    { kind: 'llm.generate', ...MODEL, host: 'api.anthropic.com', serverTools: ['web_search'] },
    'ask anthropic:claude-sonnet-5 at api.anthropic.com, which may use web_search there',
  ],
  [
    'commands, word by word',
    {
      ...CALL,
      commands: [
        { program: 'rm', args: ['-r', 'a b'] },
        { program: null, args: ["it's"] },
      ],
      paths: [],
      urls: [],
    },
    "the model calls Bash: rm -r 'a b'; <known only when it runs> 'it'\\''s'",
  ],
  [
    'a file and an address',
    { ...CALL, tool: 'Fetch', commands: [], paths: ['a'], urls: ['https://a.example/'] },
    'the model calls Fetch: a; https://a.example/',
  ],
  ['a tool that says nothing', { ...CALL, tool: 'Wait' }, 'the model calls Wait'],
])('%s is told in a line', ([, action, line]) => {
  expect(describeAction(action)).toBe(line)
})
