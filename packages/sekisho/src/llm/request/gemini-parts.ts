import type { Channel } from '../format.ts'
import { isObject } from '../hold/json-object.ts'
import { type PieceBook, readList } from './piece.ts'
import { protoNames, readProto } from './proto-object.ts'

/** The provider's own files; anything else it gets from where the address says. */
const OWN_FILES = /^https:\/\/generativelanguage\.googleapis\.com\//

type ReadMember = (value: unknown, channel: Channel, book: PieceBook) => void

const READ_NOTHING: ReadMember = () => undefined

const READERS: ReadonlyMap<string, ReadMember> = new Map<string, ReadMember>([
  ['text', (text, channel, book) => book.text(channel, text)],
  ['inlineData', (value, _, book) => readBlob(value, book)],
  ['fileData', (value, _, book) => readFile(value, book)],
  ['functionCall', (value, _, book) => book.all('assistant', value)],
  ['functionResponse', (value, _, book) => readResult(value, book)],
  ['executableCode', (value, _, book) => book.all('assistant', value)],
  ['codeExecutionResult', (value, _, book) => book.all('tool-result', value)],
  ['toolCall', (value, _, book) => book.all('assistant', value)],
  ['toolResponse', (value, _, book) => book.all('tool-result', value)],
  ['audioTranscription', (value, channel, book) => book.all(channel, value)],
  ['thought', READ_NOTHING],
  ['thoughtSignature', READ_NOTHING],
  ['videoMetadata', READ_NOTHING],
  ['mediaResolution', READ_NOTHING],
  ['mediaProcessing', READ_NOTHING],
  ['partMetadata', READ_NOTHING],
])
const KNOWN = protoNames([...READERS.keys()])
const BLOB = protoNames(['mimeType', 'data'])
const FILE = protoNames(['mimeType', 'fileUri'])
const RESULT = protoNames(['response', 'parts', 'name'])

/** Parts of a content, each of which is told by its members. */
export function readGeminiParts(parts: unknown, channel: Channel, book: PieceBook): void {
  for (const each of readList(parts, 'parts')) {
    const part = readProto(each, KNOWN, 'a part')
    for (const [name, value] of Object.entries(part)) {
      const reader = READERS.get(name)
      if (reader === undefined) book.unknown(name, value)
      else if (value !== null) reader(value, channel, book)
    }
  }
}

function readBlob(value: unknown, book: PieceBook): void {
  const { mimeType, data } = readProto(value, BLOB, 'inlineData')
  book.pictureOf(mimeType, data)
}

function readFile(value: unknown, book: PieceBook): void {
  const { fileUri } = readProto(value, FILE, 'fileData')
  if (typeof fileUri === 'string' && OWN_FILES.test(fileUri)) book.kept('file')
  else book.linkTo(fileUri)
}

function readResult(value: unknown, book: PieceBook): void {
  const { response, parts } = readProto(value, RESULT, 'a response')
  book.all('tool-result', response)
  for (const part of readList(parts, 'parts')) {
    if (isObject(part)) readGeminiParts([part], 'tool-result', book)
  }
}
