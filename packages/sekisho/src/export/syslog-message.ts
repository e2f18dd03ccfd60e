import { valueAt } from './alert-match.ts'
import { defined, type Fields, textAt, textsAt } from './fields.ts'
import { type Level, levelOf } from './level.ts'
import type { ExportRecord } from './record.ts'

/** RFC 5425 §4.3.1: what every receiver should take. Longer leaves are cut, and say so. */
export const MAX_MESSAGE_BYTES = 8192

/**
 * The enterprise number of the structured data: 32473 is set aside for examples (RFC 5612), as this
 * project has none of its own. A receiver matches on `sekisho@32473`.
 */
const SD_ID = 'sekisho@32473'

/** RFC 5424 §6.2.1: Informational, Notice, Warning, Critical. */
const SEVERITIES: Readonly<Record<Level, number>> = { info: 6, low: 5, medium: 4, high: 2 }

/** RFC 5424 §6.4: says that what follows is UTF-8. */
const BOM = '\uFEFF'

const MAX_PARAM_CHARACTERS = 256

type Header = { facility: number; hostname: string }

/** One record as a message of RFC 5424, at most {@link MAX_MESSAGE_BYTES} long. */
export function syslogMessage(record: ExportRecord, header: Header): Buffer {
  const text = record.kind === 'leaf' ? record.line : record.text
  const whole = `${head(record, header, 0)} ${BOM}${text}`
  if (Buffer.byteLength(whole) <= MAX_MESSAGE_BYTES) return Buffer.from(whole)
  const bytes = Buffer.from(text)
  const start = Buffer.from(`${head(record, header, bytes.length)} ${BOM}`)
  const room = MAX_MESSAGE_BYTES - start.length
  return Buffer.concat([start, bytes.subarray(0, borderBefore(bytes, room))])
}

/** RFC 5425 §4.3: MSG-LEN SP SYSLOG-MSG. */
export function frame(message: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${message.length} `), message])
}

/** @param cutFrom length of the text where not all of it is there, bytes; 0 otherwise */
function head(record: ExportRecord, { facility, hostname }: Header, cutFrom: number): string {
  const priority = facility * 8 + SEVERITIES[levelOf(record)]
  const name = printable(hostname, 255)
  const messageId = printable(record.kind === 'leaf' ? record.type : record.kind, 32)
  return `<${priority}>1 ${record.at} ${name} sekisho - ${messageId} ${structuredData(record, cutFrom)}`
}

function structuredData(record: ExportRecord, cutFrom: number): string {
  const params = {
    id: record.id,
    index: String(record.index),
    ...(record.kind === 'leaf' ? paramsOf(record.leaf) : {}),
    unknown: record.kind === 'leaf' && !record.isKnown ? 'true' : undefined,
    truncatedFrom: cutFrom === 0 ? undefined : String(cutFrom),
  }
  const text = Object.entries(defined(params)).map(
    ([name, value]) => ` ${name}="${escape(String(value))}"`,
  )
  return `[${SD_ID}${text.join('')}]`
}

function paramsOf(leaf: Fields): Fields {
  const rules = textsAt(leaf, 'verdict.rules')
  return {
    session: textAt(leaf, 'session'),
    action: textAt(leaf, 'id'),
    verdict: textAt(leaf, 'verdict.kind'),
    rule: textAt(leaf, 'rule') ?? rules[0],
    host: textAt(leaf, 'action.host') ?? textAt(leaf, 'action.name'),
    repeated: numberText(valueAt(leaf, 'repeated')),
  }
}

function numberText(value: unknown): string | undefined {
  return typeof value === 'number' && value > 0 ? String(value) : undefined
}

/** RFC 5424 §6.3.3: these three, and no others; a line break would end the message for some. */
function escape(value: string): string {
  return value
    .slice(0, MAX_PARAM_CHARACTERS)
    .toWellFormed()
    .replace(/\p{Cc}/gu, ' ')
    .replace(/["\\\]]/g, (character) => `\\${character}`)
}

/** PRINTUSASCII (RFC 5424 §6), which is never empty. */
function printable(text: string, maxLength: number): string {
  return text.replace(/[^\x21-\x7e]/g, '').slice(0, maxLength) || '-'
}

/** The last place at or before `end` where a character begins. */
function borderBefore(bytes: Buffer, end: number): number {
  let border = end
  while (border > 0 && ((bytes[border] ?? 0) & 0xc0) === 0x80) border -= 1
  return border
}
