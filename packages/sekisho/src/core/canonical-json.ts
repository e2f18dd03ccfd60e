/** Nesting above this is refused: it bounds the stack, and a cycle ends here. */
const MAX_DEPTH = 128
/** Texts of keys that were written before: a log has the same few in every leaf. */
const MAX_KNOWN_KEYS = 1024
const MAX_KNOWN_KEY_LENGTH = 64

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
  try {
    return write(value, 0)
  } catch (thrown) {
    throw named(thrown)
  }
}

/**
 * The members of an object in canonical form, those that stand before a member of this name and
 * those that stand after it, each without braces; one that has the name is in neither.
 *
 * @throws TypeError as {@link canonicalJson}
 */
export function canonicalAround(value: object, name: string): { before: string; after: string } {
  try {
    const keys = sortedKeys(value)
    return {
      before: writeMembers(value, { keys: keys.filter((key) => key < name), depth: 0 }),
      after: writeMembers(value, { keys: keys.filter((key) => key > name), depth: 0 }),
    }
  } catch (thrown) {
    throw named(thrown)
  }
}

/** On its way out it gathers the path, which nothing pays for until there is something to refuse. */
class Uncanonical extends TypeError {
  path = ''
}

function named(thrown: unknown): unknown {
  if (!(thrown instanceof Uncanonical)) return thrown
  return new TypeError(`$${thrown.path}: ${thrown.message}`)
}

function within(thrown: unknown, step: string): unknown {
  if (thrown instanceof Uncanonical) thrown.path = step + thrown.path
  return thrown
}

function write(value: unknown, depth: number): string {
  if (typeof value === 'string') return writeString(value)
  if (typeof value === 'number') return writeNumber(value)
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  if (value === null) return 'null'
  if (typeof value !== 'object') throw new Uncanonical(`${typeof value} is not JSON`)
  if (depth >= MAX_DEPTH) throw new Uncanonical(`nested deeper than ${MAX_DEPTH}`)
  if (Array.isArray(value)) return writeArray(value, depth)
  return `{${writeMembers(value, { keys: sortedKeys(value), depth })}}`
}

/** RFC 8785 §3.2.2.2: a lone surrogate has no UTF-8, so no bytes to sign. */
function writeString(text: string): string {
  if (!text.isWellFormed()) throw new Uncanonical('a lone surrogate')
  return JSON.stringify(text)
}

function writeNumber(value: number): string {
  if (!Number.isFinite(value)) throw new Uncanonical(`${value} is not JSON`)
  return JSON.stringify(value)
}

function writeArray(items: readonly unknown[], depth: number): string {
  let text = '['
  // not map(), which skips holes: a hole must meet the check for undefined
  for (let i = 0; i < items.length; i++) {
    try {
      text += (i === 0 ? '' : ',') + write(items[i], depth + 1)
    } catch (thrown) {
      throw within(thrown, `[${i}]`)
    }
  }
  return `${text}]`
}

/** RFC 8785 §3.2.3: by UTF-16 code units, as `<` and sort() compare strings. */
function sortedKeys(value: object): string[] {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) {
    throw new Uncanonical('not a plain object')
  }
  const keys = Object.keys(value)
  return keys.every((key, i) => i === 0 || (keys[i - 1] ?? '') < key) ? keys : keys.sort()
}

function writeMembers(
  value: object,
  { keys, depth }: { keys: readonly string[]; depth: number },
): string {
  let text = ''
  for (const key of keys) {
    try {
      const member: unknown = Reflect.get(value, key)
      text += (text === '' ? '' : ',') + writeKey(key) + write(member, depth + 1)
    } catch (thrown) {
      throw within(thrown, `.${key}`)
    }
  }
  return text
}

const knownKeys = new Map<string, string>()

/** With its colon. */
function writeKey(key: string): string {
  const known = knownKeys.get(key)
  if (known !== undefined) return known
  const text = `${writeString(key)}:`
  if (knownKeys.size < MAX_KNOWN_KEYS && key.length <= MAX_KNOWN_KEY_LENGTH) {
    knownKeys.set(key, text)
  }
  return text
}
