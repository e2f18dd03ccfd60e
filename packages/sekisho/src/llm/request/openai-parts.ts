import type { Channel } from '../format.ts'
import { isObject, type JsonObject } from '../hold/json-object.ts'
import { type PieceBook, readObject } from './piece.ts'

const PART: ReadonlySet<string> = new Set([
  'type',
  'text',
  'image_url',
  'file',
  'file_id',
  'file_url',
  'file_data',
  'input_audio',
  'refusal',
])

type ReadPart = (part: JsonObject, channel: Channel, book: PieceBook) => void

const READ_TEXT: ReadPart = ({ text }, channel, book) => book.text(channel, text)

const READERS: ReadonlyMap<unknown, ReadPart> = new Map<string, ReadPart>([
  ['text', READ_TEXT],
  ['input_text', READ_TEXT],
  ['output_text', READ_TEXT],
  ['summary_text', READ_TEXT],
  ['reasoning_text', READ_TEXT],
  ['thinking', ({ thinking }, channel, book) => book.all(channel, thinking)],
  ['refusal', ({ refusal }, channel, book) => book.text(channel, refusal)],
  ['image_url', ({ image_url: image }, _, book) => readImage(image, book)],
  ['input_image', (part, _, book) => readInputImage(part, book)],
  ['computer_screenshot', (part, _, book) => readInputImage(part, book)],
  ['file', ({ file }, channel, book) => readFile(isObject(file) ? file : {}, channel, book)],
  ['input_file', readFile],
  ['input_audio', (_, __, book) => book.file()],
  ['output_audio', (_, __, book) => book.file()],
  // of another agent, opaque to all but the provider
  ['encrypted_content', () => undefined],
])

/** Content of OpenAI's formats: a text, or parts. */
export function readOpenaiParts(content: unknown, channel: Channel, book: PieceBook): void {
  if (typeof content === 'string') return book.text(channel, content)
  if (content === undefined || content === null) return
  if (!Array.isArray(content)) return book.unknown('content', content)
  for (const each of content) {
    const part = readObject(each, PART, 'a part')
    const reader = READERS.get(part['type'])
    if (reader === undefined) book.unknown(part['type'], part)
    else reader(part, channel, book)
  }
}

function readImage(image: unknown, book: PieceBook): void {
  book.pictureAt(isObject(image) ? image['url'] : image)
}

function readInputImage(part: JsonObject, book: PieceBook): void {
  const { image_url: url, file_id: file } = part
  if (file !== undefined && file !== null) book.kept('file')
  if (url !== undefined && url !== null) readImage(url, book)
}

function readFile(file: JsonObject, channel: Channel, book: PieceBook): void {
  const { file_id: id, file_url: url, filename } = file
  book.text(channel, filename)
  book.file()
  if (id !== undefined && id !== null) book.kept('file')
  if (url !== undefined && url !== null) book.linkTo(url)
}
