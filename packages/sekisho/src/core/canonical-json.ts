/** Nesting above this is refused: it bounds the stack, and a cycle ends here. */
const MAX_DEPTH = 128

/**
 * The canonical text of a JSON value (RFC 8785, JCS): what is hashed and signed.
 *
 * Takes plain values only. What JSON would drop or guess at (undefined, NaN, a Date, a class
 * instance, a lone surrogate) is refused, so that two different values never share one text.
 *
 * @throws TypeError naming the path of the value that has no canonical form
 * @see RFC 8785 §3.2; numbers as ECMAScript prints them (§3.2.2.3), which V8 is
 */
export function canonicalJson(value: unknown): string {
  return write(value, undefined)
}

/** Where a value stands; its text is made only when there is something to refuse. */
type Place = { parent: Place; key: string; depth: number } | undefined

function write(value: unknown, place: Place): string {
  if (typeof value === 'string') return writeString(value, place)
  if (typeof value === 'number') return writeNumber(value, place)
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  if (value === null) return 'null'
  if (Array.isArray(value)) return writeArray(value, place)
  if (typeof value === 'object') return writeObject(value, place)
  throw new TypeError(`${pathOf(place)}: ${typeof value} is not JSON`)
}

/** RFC 8785 §3.2.2.2: a lone surrogate has no UTF-8, so no bytes to sign. */
function writeString(text: string, place: Place): string {
  if (!text.isWellFormed()) throw new TypeError(`${pathOf(place)}: a lone surrogate`)
  return JSON.stringify(text)
}

function writeNumber(value: number, place: Place): string {
  if (!Number.isFinite(value)) throw new TypeError(`${pathOf(place)}: ${value} is not JSON`)
  return JSON.stringify(value)
}

function writeArray(items: readonly unknown[], place: Place): string {
  // not map(), which skips holes: a hole must meet the check for undefined
  return `[${Array.from(items, (item, i) => write(item, below(place, `[${i}]`))).join(',')}]`
}

function writeObject(value: object, place: Place): string {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError(`${pathOf(place)}: not a plain object`)
  }
  const members = Object.entries(value).sort(byKey)
  return `{${members.map(([key, member]) => writeMember(key, member, place)).join(',')}}`
}

/** RFC 8785 §3.2.3: by UTF-16 code units, as `<` compares strings. */
function byKey([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1
}

function writeMember(key: string, value: unknown, place: Place): string {
  const here = below(place, `.${key}`)
  return `${writeString(key, here)}:${write(value, here)}`
}

function below(parent: Place, key: string): Place {
  const depth = (parent?.depth ?? 0) + 1
  if (depth > MAX_DEPTH) throw new TypeError(`${pathOf(parent)}: nested deeper than ${MAX_DEPTH}`)
  return { parent, key, depth }
}

function pathOf(place: Place): string {
  return place === undefined ? '$' : pathOf(place.parent) + place.key
}
