/** RFC 9110 §7.6.1: these speak about one connection and end with it. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
])

/** Fields as a flat list: name, value, name, value … */
export type Fields = string[]

/**
 * The fields that go on to the other side: without hop-by-hop ones, those that `Connection` names,
 * and `drop` (lower-case names).
 */
export function endToEndFields(raw: readonly string[], drop: ReadonlySet<string>): Fields {
  const named = connectionNames(raw)
  const kept: Fields = []
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? ''
    const lower = name.toLowerCase()
    if (HOP_BY_HOP.has(lower) || drop.has(lower) || named?.has(lower) === true) continue
    kept.push(name, raw[index + 1] ?? '')
  }
  return kept
}

/** undefined when `Connection` names nothing but `close` and `keep-alive`, the common case */
function connectionNames(raw: readonly string[]): ReadonlySet<string> | undefined {
  let named: Set<string> | undefined
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? ''
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue
    for (const token of (raw[index + 1] ?? '').toLowerCase().split(',')) {
      const option = token.trim()
      if (option !== 'close' && option !== 'keep-alive') (named ??= new Set()).add(option)
    }
  }
  return named
}

/** The fields but for these, lower-case names. */
export function withoutFields(fields: readonly string[], drop: ReadonlySet<string>): Fields {
  return fields.filter((_, index) => !drop.has((fields[index - (index % 2)] ?? '').toLowerCase()))
}

/** Puts fields in the place of all that have their names: the list itself is changed. */
export function replaceFields(fields: Fields, drop: ReadonlySet<string>, by: Fields): void {
  fields.splice(0, fields.length, ...withoutFields(fields, drop), ...by)
}

/** The last value of a field, lower-case ASCII name; undefined when there is none. */
export function fieldValue(fields: readonly string[], name: string): string | undefined {
  for (let index = fields.length - 2; index >= 0; index -= 2) {
    const field = fields[index] ?? ''
    if (field.length === name.length && field.toLowerCase() === name) return fields[index + 1]
  }
  return undefined
}

/** Whether a field, lower-case ASCII name, stands there more than once. */
export function isRepeated(fields: readonly string[], name: string): boolean {
  let count = 0
  for (let index = 0; index < fields.length; index += 2) {
    const field = fields[index] ?? ''
    if (field.length === name.length && field.toLowerCase() === name) count += 1
  }
  return count > 1
}

/** Bytes that the fields take on the wire. */
export function fieldBytes(fields: readonly string[]): number {
  let bytes = 0
  for (const text of fields) bytes += text.length + 2
  return bytes
}
