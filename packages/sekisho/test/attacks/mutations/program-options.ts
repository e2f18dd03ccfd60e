import { inFile, mutationsOf } from './mutation.ts'

const line = inFile('llm/calls/shell/read-line.ts')
const launches = inFile('llm/calls/shell/launches.ts')
const code = inFile('llm/calls/shell/code/read-code.ts')

export const PROGRAM_OPTION_MUTATIONS = mutationsOf(
  'program-options',
  ['what options and operands run is a command', line('...launchesOf(seenWords), ', '')],
  ['code on standard input is code', line(', ...readsCode(command)]', ']')],
  [
    'code that nobody reads is a command of which nothing is known',
    launches("if (holds === 'code') return [UNKNOWN]", "if (holds === 'code') return []"),
  ],
  [
    'Python is looked into',
    code(
      'isPlainPython(code) ? ALL_OF_IT : NONE_OF_IT',
      'isPlainPython(code) ? ALL_OF_IT : ALL_OF_IT',
    ),
  ],
)
