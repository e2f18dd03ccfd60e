import { inFile, mutationsOf } from './mutation.ts'

const choice = inFile('llm/hold/chat-choice.ts')

const READERS = mutationsOf(
  'model-reply-readers',
  [
    'an event has a name where one reader goes by it',
    inFile('llm/hold/messages-stream.ts')(
      "if (frame.name !== '' || this.#writer.hasNames !== true) return frame",
      "if (type !== '') return frame",
    ),
  ],
  [
    'an event has no name where none is needed',
    inFile('llm/hold/chat-stream.ts')(
      "return frame.name === '' ? frame : { ...frame, name: '', isPlain: false }",
      'return frame',
    ),
  ],
  [
    'lines end in the way of the stream',
    inFile('llm/hold/sse-frames.ts')(
      'if (isPlain && hasLineEnds(raw, this.#newline)) return raw',
      'if (isPlain) return raw',
    ),
  ],
  [
    'a field is where every reader finds it',
    inFile('llm/sse.ts')('isSpaced && before.data === null', 'before.data === null'),
  ],
  [
    'a call goes on behind its own pieces alone',
    choice(
      'if (isSaying(read) && known !== this.#open) {',
      'if (isSaying(read) && this.index < 0) {',
    ),
  ],
  ['a text ends a call', choice('    this.#open = undefined\n', '')],
  [
    'a call has an id of its own',
    choice('if (this.#ids.has(id)) throw', 'if (this.index < 0) throw'),
  ],
  [
    'a choice stands once in a chunk',
    inFile('llm/hold/chat-stream.ts')(
      'if (new Set(parts.map(({ choice }) => choice)).size < parts.length) {',
      'if (parts.length < 0) {',
    ),
  ],
  [
    'a call is in the only choice',
    inFile('llm/hold/chat-stream.ts')(
      'if (this.#choices.size < 2) return',
      'if (this.#choices.size < 999) return',
    ),
  ],
  [
    'a choice has one index',
    inFile('llm/hold/chat-stream.ts')(
      "if (index === undefined && came !== undefined) throw malformed('a choice whose index is none')",
      'if (came === null) return 0',
    ),
  ],
  [
    'a chunk with a call is one to every reader',
    inFile('llm/hold/chat-alike.ts')('CallChunk.safeParse(chunk).success', 'isObject(chunk)'),
  ],
  [
    'arguments are of the item that was added last',
    inFile('llm/hold/responses-stream.ts')(
      "if (key !== this.#last) throw malformed('a call that goes on behind something else')",
      '',
    ),
  ],
  [
    'arguments that are told again are of the item that was added last',
    inFile('llm/hold/responses-stream.ts')('if (key !== this.#last) return\n', ''),
  ],
)

const TRANSLATIONS = mutationsOf(
  'model-translations',
  [
    'an event is what its type says',
    inFile('llm/translate/from-messages.ts')(
      "return event['type'] === 'content_block_start'",
      "return event['content_block'] !== undefined",
    ),
  ],
  [
    'a call without an index is one by itself',
    inFile('llm/translate/from-chat.ts')('key ?? this.#calls.size', 'key ?? 0'),
  ],
  [
    'a call of a document is one by itself',
    inFile('llm/translate/from-chat.ts')(
      'this.#add(message, () => undefined)',
      'this.#add(message, indexAt)',
    ),
  ],
  [
    'a tool of a server is none of the client’s',
    inFile('llm/translate/from-responses.ts')(
      "if (item['namespace'] !== undefined && item['namespace'] !== null) {",
      "if (item['namespace'] === false) {",
    ),
  ],
)

export const READER_MUTATIONS = [...READERS, ...TRANSLATIONS]
