import { inFile, mutationsOf } from './mutation.ts'

const messages = inFile('llm/hold/messages-stream.ts')
const responses = inFile('llm/hold/responses-stream.ts')
const chat = inFile('llm/hold/chat-fields.ts')

const NAMES = mutationsOf(
  'model-reply-spellings',
  [
    'a name has one spelling',
    inFile('llm/hold/alike-names.ts')('known !== undefined && known !== name', "known === ''"),
  ],
  [
    'cases of all alphabets are one',
    inFile('llm/hold/alike-names.ts')('name.toUpperCase().toLowerCase()', 'name.toLowerCase()'),
  ],
  [
    'a call under either name is one',
    inFile('llm/hold/gemini-candidate.ts')("name === 'function_call'", "name === ''"),
  ],
  [
    'a name of an argument stands in one case',
    inFile('llm/calls/arguments-json.ts')('checkNames(Object.keys(value))', ''),
    inFile('llm/calls/read-tool.ts')('if (entry !== undefined) checkNames(entry, value)', ''),
  ],
  [
    'an argument is under its own name',
    inFile('llm/calls/read-tool.ts')('if (entry !== undefined) checkNames(entry, value)', ''),
  ],
  [
    'a number is one to every reader',
    inFile('llm/calls/canonical-call.ts')(
      "type === 'tool_use' && hasExponent",
      "type === '' && hasExponent",
    ),
  ],
  [
    'below a head that is no reply stands nothing',
    inFile('gate/llm/model-sink.ts')(
      "formOf(fields, framing) : 'bare'",
      "formOf(fields, framing) : 'none'",
    ),
  ],
)

const VALUES = mutationsOf(
  'model-reply-values',
  [
    'a delta is a text',
    responses(
      "if (typeof delta !== 'string') throw malformed('a delta that is no text')",
      "if (typeof delta !== 'string') return ''",
    ),
  ],
  [
    'arguments are told in one way',
    responses("['arguments', 'input'].filter(", "['arguments'].filter("),
  ],
  [
    'a call is told under one name',
    responses('named !== undefined && named !== name', "named === ''"),
  ],
  [
    'a call begins without arguments',
    messages('!isObject(input) || Object.keys(input)', 'isObject(input) && Object.keys(input)'),
  ],
  [
    'a piece of a call is of its type',
    messages("piece === undefined || delta['type'] !== 'input_json_delta'", 'piece === undefined'),
  ],
  [
    'a text is a text',
    inFile('llm/hold/format-reader.ts')(
      "if (typeof member !== 'string') throw malformed(`${name} that is no text`)",
      "if (typeof member !== 'string') return ''",
    ),
  ],
  [
    'a call is what an entry has',
    chat('if (has.some((other) => other !== type)) throw', "if (type === '') throw"),
  ],
  [
    'a call beside what is said is refused',
    chat('[...CALLS].some((calls) => Boolean(beside[calls]))', "beside['x'] === 1"),
  ],
  [
    'a piece of a call beside an error is refused',
    inFile('llm/hold/chat-alike.ts')('error: z.null().optional()', 'error: z.unknown()'),
  ],
  ['a call has the index of its place', messages('index !== this.#begunBlocks - 1', 'index < 0')],
  [
    'a call begins behind what is open',
    messages(
      "if (this.#blocks.size > 0) throw malformed('a call inside",
      "if (index < 0) throw malformed('a call inside",
    ),
  ],
  [
    'a call is alone while it is open',
    messages('this.#openCall !== undefined && this.#openCall !== index', 'index < 0'),
  ],
  [
    'a message begins once',
    messages('!isEmpty || this.#hasBegun || this.#begunBlocks > 0', '!isEmpty'),
  ],
  [
    'a message ends behind its calls',
    messages('if (this.#openCall !== undefined) throw', 'if (this.#begunBlocks < 0) throw'),
  ],
  [
    'what a message says is a list',
    inFile('llm/hold/responses-output.ts')(
      'const parts = listAt(item, name)',
      'const parts = Array.isArray(item[name]) ? listAt(item, name) : []',
    ),
  ],
  [
    'a number has a bound',
    inFile('llm/hold/strict-json.ts')('member === Infinity ||', "member === '' ||"),
  ],
)

const choice = inFile('llm/hold/chat-choice.ts')

const INDEXES = mutationsOf('model-reply-indexes', [
  'a call leaves under an index of its own',
  choice('Math.max(index, next) : next', 'Math.max(index, next) : index - this.#replaced'),
])

const LINES = mutationsOf('model-reply-lines', [
  'an event is its data',
  inFile('llm/sse.ts')('return !hasOther && !/^[\\r\\n]/.test(text)', 'return true'),
])

export const SPELLING_MUTATIONS = [...NAMES, ...VALUES, ...INDEXES, ...LINES]
