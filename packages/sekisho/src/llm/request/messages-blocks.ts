import type { Channel } from '../format.ts'
import type { JsonObject } from '../hold/json-object.ts'
import { type PieceBook, readObject } from './piece.ts'

const BLOCK: ReadonlySet<string> = new Set([
  'type',
  'text',
  'content',
  'source',
  'input',
  'thinking',
])
const SOURCE: ReadonlySet<string> = new Set([
  'type',
  'media_type',
  'data',
  'url',
  'file_id',
  'content',
])

type ReadBlock = (block: JsonObject, channel: Channel, book: PieceBook) => void

const READ_NOTHING: ReadBlock = () => undefined
const READ_INPUT: ReadBlock = ({ input }, _, book) => book.all('assistant', input)
/** Of a tool that the provider has run. */
const READ_RESULT: ReadBlock = ({ content }, _, book) => book.all('tool-result', content)

const READERS: ReadonlyMap<unknown, ReadBlock> = new Map<string, ReadBlock>([
  ['text', ({ text }, channel, book) => book.text(channel, text)],
  ['image', ({ source }, _, book) => readPicture(source, book)],
  ['document', readDocument],
  ['search_result', readSearchResult],
  ['thinking', ({ thinking }, _, book) => book.text('assistant', thinking)],
  ['redacted_thinking', READ_NOTHING],
  ['tool_use', READ_INPUT],
  ['server_tool_use', READ_INPUT],
  ['mcp_tool_use', READ_INPUT],
  ['tool_result', ({ content }, _, book) => readMessagesBlocks(content, 'tool-result', book)],
  ['mcp_tool_result', READ_RESULT],
  ['web_search_tool_result', READ_RESULT],
  ['web_fetch_tool_result', READ_RESULT],
  ['code_execution_tool_result', READ_RESULT],
  ['bash_code_execution_tool_result', READ_RESULT],
  ['text_editor_code_execution_tool_result', READ_RESULT],
  ['tool_search_tool_result', READ_RESULT],
  ['advisor_tool_result', READ_RESULT],
  ['browser_state', (block, _, book) => book.all('tool-result', block)],
  ['compaction', ({ content }, _, book) => book.text('assistant', content)],
  ['container_upload', (_, __, book) => book.kept('file')],
  // these name what is defined elsewhere in the request
  ['tool_reference', READ_NOTHING],
  ['tool_addition', READ_NOTHING],
  ['tool_removal', READ_NOTHING],
  ['fallback', READ_NOTHING],
])

/** Content of a message, a tool's result or a document: a text, or blocks. */
export function readMessagesBlocks(content: unknown, channel: Channel, book: PieceBook): void {
  if (typeof content === 'string') return book.text(channel, content)
  if (content === undefined || content === null) return
  if (!Array.isArray(content)) return book.unknown('content', content)
  for (const each of content) {
    const block = readObject(each, BLOCK, 'a block')
    const reader = READERS.get(block['type'])
    if (reader === undefined) book.unknown(block['type'], block)
    else reader(block, channel, book)
  }
}

function readPicture(value: unknown, book: PieceBook): void {
  const source = readObject(value, SOURCE, 'a source')
  if (source['type'] === 'base64') book.pictureOf(source['media_type'], source['data'])
  else readElsewhere(source, book)
}

function readDocument(block: JsonObject, channel: Channel, book: PieceBook): void {
  const source = readObject(block['source'], SOURCE, 'a source')
  book.text(channel, block['title'])
  book.text(channel, block['context'])
  switch (source['type']) {
    case 'base64':
      return book.file()
    case 'text':
      return book.text(channel, source['data'])
    case 'content':
      return readMessagesBlocks(source['content'], channel, book)
    default:
      readElsewhere(source, book)
  }
}

function readElsewhere(source: JsonObject, book: PieceBook): void {
  if (source['type'] === 'url') book.linkTo(source['url'])
  else if (source['type'] === 'file') book.kept('file')
  else book.unknown(source['type'], source)
}

function readSearchResult(block: JsonObject, channel: Channel, book: PieceBook): void {
  book.text(channel, block['title'])
  book.text(channel, block['source'])
  readMessagesBlocks(block['content'], channel, book)
}
