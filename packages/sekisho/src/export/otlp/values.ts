import { createHash } from 'node:crypto'

/** OTLP 1.x in its JSON form: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding */

/** The version of the semantic conventions that names are of; those for GenAI are not stable. */
export const SEMCONV_VERSION = '1.41.0'
export const SCHEMA_URL = `https://opentelemetry.io/schemas/${SEMCONV_VERSION}`

export type AnyValue =
  | { stringValue: string }
  | { boolValue: boolean }
  /** 64 bits: decimal in a string */
  | { intValue: string }
  | { arrayValue: { values: AnyValue[] } }
export type KeyValue = { key: string; value: AnyValue }

type Plain = string | number | boolean | readonly string[] | undefined

/** Members that are undefined are left out. Numbers are integers. */
export function attributes(members: Readonly<Record<string, Plain>>): KeyValue[] {
  return Object.entries(members).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: anyValue(value) }],
  )
}

function anyValue(value: Exclude<Plain, undefined>): AnyValue {
  if (typeof value === 'string') return { stringValue: value.toWellFormed() }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'number') return { intValue: String(Math.trunc(value)) }
  return { arrayValue: { values: value.map((text) => anyValue(text)) } }
}

/** Of a session: the same at every repetition, on every host. */
export function traceId(origin: string, session: string): string {
  return derive(`sekisho/trace/v1\n${origin}\n${session}`, 16)
}

export function spanId(origin: string, session: string, id: string): string {
  return derive(`sekisho/span/v1\n${origin}\n${session}\n${id}`, 8)
}

function derive(text: string, bytes: number): string {
  return createHash('sha256')
    .update(text)
    .digest('hex')
    .slice(0, bytes * 2)
}

/** Unix ns from a time of the log, which has ms. */
export function unixNano(at: string): string {
  return `${BigInt(Date.parse(at)) * 1_000_000n}`
}
