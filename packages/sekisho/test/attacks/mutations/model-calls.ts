import { inFile, mutationsOf } from './mutation.ts'

const exchange = inFile('gate/llm/model-exchange.ts')
const foreign = inFile('gate/llm/foreign-key.ts')
const socket = inFile('gate/llm/socket/socket-front.ts')
const placeholders = inFile('gate/placeholders.ts')
const sink = inFile('gate/llm/model-sink.ts')
const judge = inFile('gate/llm/call-judge.ts')
const plain = inFile('gate/llm/plain-body.ts')
const held = inFile('llm/hold/held-call.ts')
const choice = inFile('llm/hold/chat-choice.ts')
const spend = inFile('gate/llm/spend-client.ts')

const CALLS = mutationsOf(
  'model-calls',
  [
    'a provider is told nothing with another key',
    exchange(
      'return foreignKey(this.#action, this.#fields, this.#parts.placeholders)',
      'return undefined',
    ),
  ],
  ['a key is all of its field', placeholders('/^(?:bearer *)?$/i.test(rest)', "rest !== '?'")],
  ['a cookie is a key', foreign("  'cookie',\n", '')],
  [
    'a key may stand in the URL',
    foreign("if (KEY_PARAMETERS.has(name.toLowerCase().replace(/^\\$/, '')))", "if (name === '')"),
  ],
  [
    'a WebSocket has a key as well',
    socket(
      'foreignKey(action, fields, placeholders) ?? ports.decide(action)',
      'ports.decide(action)',
    ),
  ],
  [
    'a call is read strictly',
    exchange(
      "if (request.kind === 'malformed')",
      "if (request.kind === 'malformed' && request.reason === '')",
    ),
  ],
  [
    'what nobody knows is not sent',
    exchange(
      "if (unknown !== undefined && parts.settings().unsupported === 'deny')",
      "if (unknown?.type === '')",
    ),
  ],
  [
    'what a call means is decided',
    exchange(
      'return { ...clear, recordAs: action, ...withFindings(clear, findings) }',
      'return { ...clear, ...withFindings(clear, findings) }',
    ),
  ],
  [
    'a reply that is fetched cannot be held',
    exchange('if (unread !== null) return', "if (unread === '') return"),
  ],
  [
    'a call is counted before it leaves',
    exchange("if (took.kind === 'deny') return took", "if (took.kind === 'deny') return undefined"),
  ],
  [
    'what cannot be counted is not sent',
    spend(
      'return deny(NO_LEDGER, `it cannot be counted',
      'if (asked.id !== "") return WHOLE\n      return deny(NO_LEDGER, `it cannot be counted',
    ),
  ],
  [
    'what nobody can decode is not sent',
    inFile('gate/inspection/body-reading.ts')(
      "this.#fail('invariant.body-encoding', `a body encoded as ${name.slice(0, 64)}`)",
      'void name',
    ),
    plain(
      'return CODINGS.get(name)?.(bytes, { maxOutputLength: MAX_PLAIN_BYTES })',
      'return (CODINGS.get(name) ?? (() => bytes))(bytes, { maxOutputLength: MAX_PLAIN_BYTES })',
    ),
  ],
  [
    'what is too long when it is decoded is not sent',
    inFile('gate/reply-decoder.ts')('MAX_RATIO = 200', 'MAX_RATIO = 200_000_000'),
    inFile('gate/inspection/body-reading.ts')(
      'MAX_DECODED_FACTOR = 8',
      'MAX_DECODED_FACTOR = 8192',
    ),
    plain('MAX_PLAIN_BYTES = 32 * 1024 * 1024', 'MAX_PLAIN_BYTES = 320 * 1024 * 1024'),
  ],
  [
    'what is said is kept before it leaves',
    exchange(
      'if (taken?.keeping !== undefined) taken.kept = await taken.keeping',
      'await Promise.resolve()',
    ),
  ],
)

const REPLIES = mutationsOf(
  'model-replies',
  [
    'a call is judged',
    judge(
      "return { kind: 'replace', say: sayDenied(call.tool, denied) }",
      "return { kind: 'release' }",
    ),
  ],
  [
    'a call that nobody can read is no call',
    judge("if (read.kind === 'refused') {", "if (read.kind === 'refused' && read.reason === '') {"),
  ],
  [
    'a call leaves when it is judged',
    inFile('llm/hold/reply.ts')(
      'this.#calls.push(call)',
      "call.settle({ kind: 'release' })\n    this.#calls.push(call)",
    ),
  ],
  [
    'arguments have one meaning',
    held('throw malformed(`arguments of a call: ${read.problem}`)', 'return text'),
  ],
  [
    'an event that nobody can read is no event',
    inFile('llm/hold/format-reader.ts')(
      'throw malformed(`an event of the reply: ${read.problem}`)',
      "return { type: 'ping' }",
    ),
  ],
  [
    'a part that nobody knows is refused',
    inFile('llm/hold/reply.ts')(
      "throw new ReplyFault('llm.unsupported', `a part of type ${shown(type)}`)",
      "if (type === '') throw new ReplyFault('llm.unsupported', shown(type))",
    ),
  ],
  [
    'a line is read as its shell reads it',
    inFile('llm/calls/shell/word.ts')(
      "if (part.type === 'DoubleQuoted' || part.type === 'LocaleString') return readQuoted(part, scope)",
      "if (part.type === 'DoubleQuoted') return literal(part.text)",
    ),
  ],
  [
    'what a line evaluates is a command of which nothing is known',
    inFile('llm/calls/shell/read-line.ts')(
      'if (this.#hidden.isThere) this.#runUnknown(NOTHING_AROUND)',
      'if (this.#hidden.isThere) return',
    ),
  ],
  [
    'a call has one index',
    choice("throw malformed('a call whose index is none')", 'return -2'),
    choice('if (this.#isIndexed !== (key !== undefined))', 'if (this.index < 0)'),
  ],
  [
    'a call beside an error is a call',
    inFile('llm/hold/format-reader.ts')(
      'return listAt(event, beside).length === 0',
      "return beside !== ''",
    ),
  ],
  [
    'only an error passes unheld',
    sink('if (status < 200 || status >= 400)', 'if (status !== 200)'),
  ],
  [
    'no record, no release',
    sink(
      "return { kind: 'replace', say: `The call of ${call.tool} could not be recorded (${code}).` }",
      "return code === '' ? { kind: 'replace', say: code } : { kind: 'release' }",
    ),
  ],
)

const BYTES = mutationsOf('model-reply-bytes', [
  'a line ends where every reader ends it',
  inFile('llm/sse.ts')('isPlain: !OTHER_LINE_END.test(text),', 'isPlain: true,'),
])

const FORMS = mutationsOf(
  'model-reply-forms',
  [
    'a reply that nobody can read is refused',
    sink(
      "return plain === 'application/json' ? 'document' : 'unknown'",
      "return plain === 'application/json' ? 'document' : 'none'",
    ),
  ],
  [
    'a reply has one type',
    sink(
      'if (ONE_EACH.some((name) => isRepeated(fields, name))) return',
      'if (fields.length < 0) return',
    ),
  ],
  [
    'a reply is read in the clear',
    inFile('gate/reply.ts')('if (!isCoded(coding)) return false', 'return false'),
    sink("if (coding !== 'identity') return 'unknown'", "if (coding !== 'identity') return 'none'"),
  ],
  [
    'a reply is in UTF-8',
    sink(
      'if (parameters.some((each) => CHARSET.test(each) && !UTF8.test(each))) return',
      "if (plain === '') return",
    ),
  ],
)

const TEXTS = mutationsOf(
  'model-texts',
  [
    'a call as text is text',
    inFile('gate/llm/content-look.ts')("      ['text-calls', textCalls] as const,\n", ''),
  ],
  [
    'what stands behind a thought is the beginning',
    inFile('detect/content/reply/text-calls.ts')(
      'isTagEnd ? union(next, this.#behindTag) : next',
      'next',
    ),
  ],
  [
    'a spelling of DeepSeek is one anywhere',
    inFile('detect/content/reply/text-call-openings.ts')(
      'for (const from of [places, this.#anywhere])',
      'for (const from of [places])',
    ),
  ],
)

export const MODEL_MUTATIONS = [...CALLS, ...REPLIES, ...BYTES, ...FORMS, ...TEXTS]
