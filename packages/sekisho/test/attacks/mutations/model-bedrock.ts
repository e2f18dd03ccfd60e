import { inFile, mutationsOf } from './mutation.ts'

const stream = inFile('llm/event-stream.ts')
const frames = inFile('llm/hold/bedrock-frames.ts')
const sink = inFile('gate/llm/model-sink.ts')
const path = inFile('llm/bedrock-path.ts')

export const BEDROCK_MUTATIONS = mutationsOf(
  'model-bedrock',
  [
    'a call in frames is judged',
    inFile('gate/llm/call-judge.ts')(
      "return { kind: 'replace', say: sayDenied(call.tool, denied) }",
      "return { kind: 'release' }",
    ),
  ],
  [
    'a frame is what its sum says',
    stream(
      'if (crc32(raw.subarray(0, end)) !== raw.readUInt32BE(end)) {',
      'if (crc32(raw.subarray(0, end)) < 0) {',
    ),
  ],
  [
    'lengths are what their sum says',
    stream(
      'if (crc32(prelude.subarray(0, 8)) !== prelude.readUInt32BE(8)) {',
      'if (crc32(prelude.subarray(0, 8)) < 0) {',
    ),
    // the sum over the whole of it has this one in it
    stream(
      'if (crc32(raw.subarray(0, end)) !== raw.readUInt32BE(end)) {',
      'if (crc32(raw.subarray(0, end)) < 0) {',
    ),
  ],
  [
    'a header stands once',
    stream("if (name === '' || headers.has(name)) throw", "if (name === '') throw"),
  ],
  [
    'an exception is the end',
    frames("if (this.#hasFailed) throw malformed('an event behind an exception')", ''),
  ],
  [
    'a reply is in the frames that its client reads',
    sink(
      "if (plain === (framing === 'bedrock' ? BEDROCK_EVENTS : 'text/event-stream')) return 'events'",
      "if (plain === 'text/event-stream' || plain === BEDROCK_EVENTS) return 'events'",
    ),
  ],
  [
    'a signature is a key of others',
    inFile('gate/llm/foreign-key.ts')(
      "if (placeholders.isAll(action, name, fields[index + 1] ?? '')) continue",
      "if ((fields[index + 1] ?? '').includes('AWS4-HMAC-SHA256')) continue\n    if (placeholders.isAll(action, name, fields[index + 1] ?? '')) continue",
    ),
  ],
  [
    'a token of temporary keys is one',
    inFile('gate/llm/foreign-key.ts')("  'x-amz-security-token',\n", ''),
  ],
  [
    'a call has one model',
    inFile('llm/request/read-request.ts')(
      "if (api === 'messages' && asked.model",
      "if (api === 'chat' && asked.model",
    ),
  ],
  [
    'a reply that goes elsewhere is refused',
    path('const PUT_OFF = /\\/async-invoke$/', 'const PUT_OFF = /^$/'),
  ],
)
