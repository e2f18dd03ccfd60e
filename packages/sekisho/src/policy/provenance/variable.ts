import type { Read } from '../problem.ts'

/** What may stand in place of a `{name:kind}` of a template. */
export type Variable = {
  /** ASCII characters that it is made of */
  characters: ReadonlySet<string>
  /** where it ends if it begins at `from`: the longest that fits; -1 where none does */
  end(text: string, from: number): number
  /** log2 of how many different values it has, rounded up to a thousandth */
  bits: number
}

const LOWER = 'abcdefghijklmnopqrstuvwxyz'
const UPPER = LOWER.toUpperCase()
const DIGITS = '0123456789'
const UNRESERVED = `${LOWER}${UPPER}${DIGITS}-._~`

const MAX_LENGTH = 256
/** With an upper bound in bits that the operator has written down; eight bits for each character. */
const MAX_TEXT_BITS = 1024

/** By name, so that a reviewer sees what a template takes without reading expressions. */
const KINDS: Readonly<Record<string, Variable>> = {
  int: run(DIGITS, 1, 12),
  slug: run(`${LOWER}${DIGITS}-`, 1, 40),
  word: run(`${LOWER}${UPPER}${DIGITS}_`, 1, 32),
  uuid: fixed(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/y, `${DIGITS}abcdef-`, 128),
  sha: run(`${DIGITS}abcdef`, 7, 64),
  semver: fixed(
    /[0-9]{1,5}\.[0-9]{1,5}\.[0-9]{1,5}(?:-[0-9A-Za-z.-]{1,16})?/y,
    `${LOWER}${UPPER}${DIGITS}.-`,
    3 * log2Runs(10, 1, 5) + log2Runs(64, 0, 16),
  ),
}

/**
 * `int`, `slug`, `word`, `uuid`, `sha`, `semver`; `[a-z0-9-]{1,40}`, a class of characters and how
 * many of them; `text<=64bits`, anything that needs no escape, an eighth as long as the bits.
 */
export function readVariableKind(kind: string): Read<Variable> {
  const named = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined
  if (named !== undefined) return { value: named }
  const [, bits] = /^text<=(\d{1,4})bits$/.exec(kind) ?? []
  if (bits !== undefined) return readText(Number(bits))
  const [, set, from, to] = /^\[([^[\]]{1,64})\]\{(\d{1,3}),(\d{1,3})\}$/.exec(kind) ?? []
  if (set !== undefined) return readClass(set, Number(from), Number(to))
  return {
    problem: `\`${kind.slice(0, 64)}\` is no kind of variable`,
    hint: `use ${Object.keys(KINDS).join(', ')}, a class such as [a-z0-9-]{1,40}, or text<=64bits`,
  }
}

function readText(bits: number): Read<Variable> {
  if (bits < 8 || bits > MAX_TEXT_BITS) {
    return { problem: `text takes 8 to ${MAX_TEXT_BITS} bits, not ${bits}` }
  }
  return { value: run(UNRESERVED, 1, Math.floor(bits / 8)) }
}

function readClass(set: string, from: number, to: number): Read<Variable> {
  if (from > to || to < 1 || to > MAX_LENGTH) {
    return { problem: `a variable has 1 to ${MAX_LENGTH} characters, not ${from} to ${to}` }
  }
  const characters = expand(set)
  if (characters === undefined) {
    return {
      problem: `\`[${set}]\` is no class of characters`,
      hint: 'use letters, digits, - . _ ~ and ranges such as a-z; a hyphen stands last',
    }
  }
  return { value: run(characters, from, to) }
}

/** `a-z0-9-` as its characters; only such as mean the same in every part of a URL. */
function expand(set: string): string | undefined {
  let characters = ''
  for (let index = 0; index < set.length; index += 1) {
    const first = set[index] ?? ''
    const last = set[index + 1] === '-' ? set[index + 2] : undefined
    const range = last === undefined ? first : between(first, last)
    if (range === undefined) return undefined
    characters += range
    if (last !== undefined) index += 2
  }
  return /^[A-Za-z0-9\-._~]*$/.test(characters) ? characters : undefined
}

function between(first: string, last: string): string | undefined {
  const alphabet = [LOWER, UPPER, DIGITS].find((a) => a.includes(first) && a.includes(last))
  if (alphabet === undefined || first > last) return undefined
  return alphabet.slice(alphabet.indexOf(first), alphabet.indexOf(last) + 1)
}

function run(alphabet: string, from: number, to: number): Variable {
  const characters = new Set(alphabet)
  return {
    characters,
    bits: roundUp(log2Runs(characters.size, from, to)),
    end: (text, start) => {
      let end = start
      while (end < text.length && characters.has(text[end] ?? '')) end += 1
      return end - start < from || end - start > to ? -1 : end
    },
  }
}

/** @param pattern sticky, and without a choice of how to match */
function fixed(pattern: RegExp, alphabet: string, bits: number): Variable {
  return {
    characters: new Set(alphabet),
    bits: roundUp(bits),
    end: (text, start) => {
      pattern.lastIndex = start
      return pattern.test(text) ? pattern.lastIndex : -1
    },
  }
}

/** log2 of the number of texts of `from` to `to` characters out of `size` */
function log2Runs(size: number, from: number, to: number): number {
  if (size === 1) return Math.log2(to - from + 1)
  // size^from + … + size^to, without the numbers that no double holds
  const tail = (1 - size ** -(to - from + 1)) / (1 - 1 / size)
  return to * Math.log2(size) + Math.log2(tail)
}

function roundUp(bits: number): number {
  return Math.ceil(bits * 1000) / 1000
}
