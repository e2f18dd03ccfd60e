import fc from 'fast-check'
import { expect, test } from 'vitest'
import { startThreadClock } from '../core/testing/thread-clock.ts'
import { SekishoError } from '../core/error.ts'
import { parseAgentFile } from './agent-file.ts'

const FILE = 'policy/agents/x.yaml'
const HEAD = 'version: 1\nname: x\n'

function refusal(text: string): string {
  try {
    parseAgentFile(text, FILE)
  } catch (thrown) {
    if (thrown instanceof SekishoError && thrown.code === 'CONFIG_INVALID') {
      return `${thrown.message} | ${thrown.hint}`
    }
    throw thrown
  }
  return 'taken'
}

test.for<[string, string, string]>([
  ['an empty file', '', '1:1: want keys and values, not nothing | undefined'],
  ['a list', '- a', '1:1: want keys and values, not a list | undefined'],
  ['another version', 'version: 2\nname: x', '1:10: version: want 1, not 2 | undefined'],
  [
    'a quoted version',
    'version: "1"\nname: x',
    '1:10: version: want 1, not text | leave out the quotes',
  ],
  [
    'another name than the file',
    'version: 1\nname: y',
    '2:7: name: the file is called `x`, the agent `y` | write name: x, or rename the file',
  ],
  ['a key given twice', `${HEAD}name: x`, '3:1: duplicate key `name` | keep one of the two'],
  ['an anchor', `${HEAD}rules: &a []`, '3:11: anchors (&) are not allowed | write the value out'],
  ['an alias', `${HEAD}rules: *a`, '3:8: aliases (*) are not allowed | write the value out'],
  ['a merge key', `${HEAD}<<: {}`, '3:1: merge keys (<<) are not allowed | write the keys out'],
  [
    'a tag',
    `${HEAD}description: !!str 1`,
    '3:20: tags (!) are not allowed | quote text that starts with !',
  ],
  [
    'a tag of its own',
    `${HEAD}description: !env HOME`,
    '3:19: tags (!) are not allowed | quote text that starts with !',
  ],
  [
    'a directive',
    `%YAML 1.1\n---\n${HEAD}`,
    '1:1: directives (%) are not allowed | delete the line',
  ],
  [
    'two documents',
    `${HEAD}---\n${HEAD}`,
    '3:1: want one document, found a second one | mend it there; it is one YAML document, indented with spaces',
  ],
  ['a key that is a number', `${HEAD}1: x`, '3:1: keys must be text | put quotes around the key'],
  [
    'a key that is a list',
    `${HEAD}? [a]\n: x`,
    '3:3: keys must be text | put quotes around the key',
  ],
  ['a prototype', `${HEAD}__proto__: {}`, '3:1: unknown key `__proto__` | undefined'],
  [
    'a tab for indentation',
    `${HEAD}rules:\n\t- x`,
    '4:1: Tabs are not allowed as indentation | mend it there; it is one YAML document, indented with spaces',
  ],
  [
    'a list that does not end',
    `${HEAD}rules: [`,
    '3:9: Flow sequence in block collection must be sufficiently indented and end with a ] | mend it there; it is one YAML document, indented with spaces',
  ],
  [
    'text that reads otherwise than it looks',
    `${HEAD}description: a\u202eb`,
    '3:15: the character \\u{202e} is not allowed | undefined',
  ],
  [
    'a control character',
    `${HEAD}description: a\u0007`,
    '3:15: the character \\u{7} is not allowed | undefined',
  ],
  [
    'more than one problem: a line for each, in order',
    `${HEAD}presetz: []\nlimitz: {}\nrulez: []`,
    [
      '3:1: unknown key `presetz` (did you mean `presets`?)',
      `${FILE}:4:1: unknown key \`limitz\` (did you mean \`limits\`?)`,
      `${FILE}:5:1: unknown key \`rulez\` (did you mean \`rules\`?) | correct ${FILE} in these places`,
    ].join('\n'),
  ],
  [
    'more problems than help',
    `${HEAD}environment: {${Array.from({ length: 12 }, (_, i) => `A${i}: 1`).join(', ')}}`,
    [
      ...Array.from({ length: 10 }, (_, i) => {
        const column = 19 + i * 7
        const place = i === 0 ? '' : `${FILE}:`
        return `${place}3:${column}: environment.A${i}: want text, not 1 (put quotes around it: "1")`
      }),
      `and 2 more | correct ${FILE} in these places`,
    ].join('\n'),
  ],
])('%s', ([, text, want]) => {
  expect(refusal(text)).toBe(`${FILE}:${want}`)
})

test('a file that is too large is refused before it is parsed', () => {
  expect(refusal(`${HEAD}# ${'x'.repeat(256 * 1024)}`)).toBe(
    `${FILE}:1:1: the file has 262165 bytes; at most 262144 are read | undefined`,
  )
})

test.for(['[', '{', '- ', '[{? ', '? ', '!a ', '&a '])(
  'a file of %s only is refused in time',
  (part) => {
    const tookMs = startThreadClock()
    expect(refusal(part.repeat(200_000 / part.length))).toMatch(/^policy\/agents\/x\.yaml:1:/)
    expect(tookMs()).toBeLessThan(5000)
  },
)

test('very many keys are refused in time', () => {
  const text = HEAD + Array.from({ length: 25_000 }, (_, i) => `k${i}: 1`).join('\n')
  const tookMs = startThreadClock()
  expect(refusal(text)).toMatch(/unknown key `k0`/)
  expect(tookMs()).toBeLessThan(5000)
})

test('no text makes the parser fail otherwise than with CONFIG_INVALID', () => {
  const words = ['version: 1', 'name: x', 'rules:', '  - ', 'host: ', ': ', '\n', '\n  ', '---']
  const token = fc.constantFrom(...words, ...'"\'{}[]<&*!|>#%\t\u2028\0'.split(''))
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(token).map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(text, (body) => {
      refusal(body)
    }),
    { numRuns: 2000 },
  )
})
