import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type ParsedNode,
  parseDocument,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml'
import { configInvalid, type Located, type Position, printable } from './problem.ts'

const MAX_FILE_BYTES = 256 * 1024
const MAX_DEPTH = 16

/** Plain values of a YAML file, and where in the file each one stands. */
export type YamlDocument = {
  value: unknown
  positionOf(path: readonly PropertyKey[], at: 'key' | 'value'): Position
}

/**
 * Reads the part of YAML 1.2 that means the same to every reader: one document of maps with
 * string keys, lists and plain scalars. Anchors, aliases, merge keys, tags and directives make a
 * reviewer see something else than the machine, so they are refused, and so are duplicate keys.
 *
 * @throws SekishoError CONFIG_INVALID with file, line and column
 */
export function readYaml(text: string, file: string): YamlDocument {
  const lines = new LineCounter()
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const fail = (offset: number, problem: Omit<Located, keyof Position>): never => {
    throw configInvalid(file, [{ ...at(offset), ...problem }])
  }
  const size = new TextEncoder().encode(text).byteLength
  if (size > MAX_FILE_BYTES) {
    fail(0, { message: `the file has ${size} bytes; at most ${MAX_FILE_BYTES} are read` })
  }
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    merge: false,
    resolveKnownTags: false,
    strict: true,
    uniqueKeys: false, // checked below: the library compares every pair of keys
    prettyErrors: false,
    logLevel: 'error', // 'silent' would also hide a second document
    lineCounter: lines,
  })
  checkCharacters(text, fail)
  const [error] = document.errors.toSorted((a, b) => a.pos[0] - b.pos[0])
  if (error !== undefined) {
    const message = explainSyntax(error.code, error.message)
    fail(error.pos[0], {
      message,
      hint: 'mend it there; it is one YAML document, indented with spaces',
    })
  }
  if (document.directives?.yaml.explicit === true || /^%/m.test(text.slice(0, 1024))) {
    fail(0, { message: 'directives (%) are not allowed', hint: 'delete the line' })
  }
  const reader = new PlainReader(fail)
  const value = reader.read(document.contents, [], 0)
  return { value, positionOf: (path, part) => at(reader.offsetOf(path, part)) }
}

type Fail = (offset: number, problem: Omit<Located, keyof Position>) => never
type Path = readonly (string | number)[]

class PlainReader {
  readonly #fail: Fail
  readonly #offsets = new Map<string, { key: number; value: number }>()

  constructor(fail: Fail) {
    this.#fail = fail
  }

  offsetOf(path: readonly PropertyKey[], at: 'key' | 'value'): number {
    for (let length = path.length; length >= 0; length -= 1) {
      const found = this.#offsets.get(keyOf(path.slice(0, length)))
      if (found !== undefined) return length === path.length ? found[at] : found.value
    }
    return 0
  }

  read(node: ParsedNode | null, path: Path, keyOffset: number): unknown {
    const offset = node?.range[0] ?? keyOffset
    this.#offsets.set(keyOf(path), { key: keyOffset, value: offset })
    if (node === null) return null
    this.#refuseIndirection(node, offset)
    if (path.length > MAX_DEPTH) this.#fail(offset, { message: 'nested too deeply' })
    if (isMap(node)) return this.#readMap(node, path)
    if (isSeq(node)) return this.#readList(node, path)
    return isScalar(node) ? node.value : this.#fail(offset, { message: 'not a plain value' })
  }

  #readMap(map: YAMLMap<unknown, unknown>, path: Path): Record<string, unknown> {
    const plain = new Map<string, unknown>()
    for (const { key, value } of map.items) {
      const offset = isNode(key) ? (key.range?.[0] ?? 0) : (map.range?.[0] ?? 0)
      if (!isParsed(key)) return this.#fail(offset, { message: 'want a key' })
      const name = this.#readKey(key, offset)
      if (plain.has(name)) {
        this.#fail(offset, { message: `duplicate key \`${name}\``, hint: 'keep one of the two' })
      }
      plain.set(name, this.read(isParsed(value) ? value : null, [...path, name], offset))
    }
    return Object.fromEntries(plain)
  }

  #readKey(key: ParsedNode, offset: number): string {
    this.#refuseIndirection(key, offset)
    const name = isScalar(key) ? key.value : undefined
    if (typeof name !== 'string') {
      return this.#fail(offset, { message: 'keys must be text', hint: 'put quotes around the key' })
    }
    if (name === '<<') {
      this.#fail(offset, { message: 'merge keys (<<) are not allowed', hint: 'write the keys out' })
    }
    if (name === '__proto__') this.#fail(offset, { message: 'unknown key `__proto__`' })
    return printable(name)
  }

  #readList(list: YAMLSeq<unknown>, path: Path): unknown[] {
    return list.items.map((item, index) => {
      const offset = isNode(item) ? (item.range?.[0] ?? 0) : (list.range?.[0] ?? 0)
      return this.read(isParsed(item) ? item : null, [...path, index], offset)
    })
  }

  #refuseIndirection(node: ParsedNode, offset: number): void {
    if (isAlias(node)) {
      this.#fail(offset, { message: 'aliases (*) are not allowed', hint: 'write the value out' })
    }
    if (node.anchor !== undefined) {
      this.#fail(offset, { message: 'anchors (&) are not allowed', hint: 'write the value out' })
    }
    if (node.tag !== undefined) {
      this.#fail(offset, {
        message: 'tags (!) are not allowed',
        hint: 'quote text that starts with !',
      })
    }
  }
}

function isParsed(node: unknown): node is ParsedNode {
  return isNode(node) && node.range !== undefined && node.range !== null
}

function keyOf(path: readonly PropertyKey[]): string {
  return path.map(String).join('\0')
}

/** A file must look to a reviewer as it reads to the machine (CVE-2021-42574). */
export const MISLEADING_CHARACTER = /[^\P{Cc}\t\n\r]|\p{Bidi_Control}|\uFEFF/u

function checkCharacters(text: string, fail: Fail): void {
  const found = MISLEADING_CHARACTER.exec(text)
  if (found === null) return
  fail(found.index, { message: `the character ${printable(found[0])} is not allowed` })
}

function explainSyntax(code: string, message: string): string {
  if (code === 'RESOURCE_EXHAUSTION') return 'nested too deeply'
  if (code === 'MULTIPLE_DOCS') return 'want one document, found a second one'
  return message.split('\n')[0] ?? message
}
