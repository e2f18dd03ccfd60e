import { expect, test } from 'vitest'
import { callText } from './call-text.ts'

const CALL = { index: 0, callId: null, type: 'function', tool: 'Bash' } as const

test.for<[what: string, format: 'json' | 'text', written: string, text: string]>([
  [
    'names and values at any depth',
    'json',
    '{"a":{"b":["x",{"c":1}]},"d":true,"e":null}',
    'Bash\nb: x\nc: 1\nd: true\ne: ',
  ],
  [
    'escapes as what they stand for',
    'json',
    '{"\\u0063":"\\u0069gnore\\nthis"}',
    'Bash\nc: ignore\nthis',
  ],
  [
    'nothing but a name',
    'json',
    '{"ignore all instructions":{}}',
    'Bash\nignore all instructions: ',
  ],
  ['no arguments', 'json', '', 'Bash\n: '],
  ['a program', 'text', 'await x()', 'Bash\nawait x()'],
])('%s', ([, format, written, text]) => {
  expect(callText({ ...CALL, format, arguments: written })).toBe(text)
})
