import { isMap, isScalar, isSeq, type Pair, parseDocument, type YAMLMap } from 'yaml'
import type { Phase } from '../../wire/schemas.ts'
import type { ProposedRule } from './proposal.ts'
import { times } from './tally.ts'
import type { Edit } from './unified-insertion.ts'

/** What stands in the YAML of every proposed rule beside what it opens. */
export type Note = { session: string; expires: string }

/**
 * The lines of one rule. Everything that an agent had a hand in stands in JSON strings, which YAML
 * reads as they are; what is in them is printable ASCII.
 */
export function ruleLines(rule: ProposedRule, { session, expires }: Note): string[] {
  const { id, host, scheme, ports, methods, paths } = rule
  const usual = scheme === 'https' ? 443 : 80
  const isUsual = ports.length === 1 && ports[0] === usual
  return [
    `- id: ${JSON.stringify(id)}`,
    '  effect: allow',
    `  host: ${JSON.stringify(host)}`,
    ...(scheme === 'http' ? ['  scheme: http'] : []),
    ...(isUsual ? [] : [`  ports: [${ports.join(', ')}]`]),
    `  methods: [${methods.join(', ')}]`,
    ...(paths.length === 0 ? [] : ['  paths:', ...paths.map((p) => `    - ${JSON.stringify(p)}`)]),
    '  owner: ""',
    `  reason: ${JSON.stringify(reasonOf(rule, session))}`,
    `  expires: ${JSON.stringify(expires)}`,
  ]
}

function reasonOf({ attempts, firstAt, lastAt }: ProposedRule, session: string): string {
  const when = firstAt === lastAt ? `at ${firstAt}` : `from ${firstAt} to ${lastAt}`
  return `proposed from session ${session}: denied ${times(attempts)}, ${when}`
}

/**
 * Where the rules go into an agent file, so that everything else in it stays as it is, comments
 * too. Undefined for a file of a form that its author must change by hand.
 *
 * @param text a valid agent file
 * @param rules lines of each rule, from its hyphen on
 * @param phase `setup`: into the part of the file that is for the setup phase
 */
export function insertRules(
  text: string,
  rules: readonly string[][],
  phase: Phase = 'agent',
): Edit[] | undefined {
  const document = parseDocument(text, { version: '1.2', schema: 'core' })
  const root = document.contents
  const top = phase === 'agent' || !isMap(root) ? root : root.get('setup', true)
  if (!isMap(top) || top.flow === true) return undefined
  const cut = new Lines(text)
  const list = pairOf(top, 'rules')
  const edits = list === undefined ? appendList(top, cut, rules) : extendList(list, cut, rules)
  if (edits === undefined) return undefined
  return [...dropNone(top, cut), ...edits].toSorted(
    (a, b) => a.line - b.line || a.remove - b.remove,
  )
}

class Lines {
  readonly text: string
  readonly #eol: string

  constructor(text: string) {
    this.text = text
    this.#eol = /^[^\n]*\r\n/.test(text) ? '\r\n' : '\n'
  }

  /** 0-based line of an offset */
  at(offset: number): number {
    return this.text.slice(0, offset).split('\n').length - 1
  }

  /** the line on which what ends at this offset has its last character */
  endingAt(offset: number): number {
    return this.at(this.text[offset - 1] === '\n' ? offset - 1 : offset)
  }

  column(offset: number): number {
    return offset - (this.text.lastIndexOf('\n', offset - 1) + 1)
  }

  /** After a line, which gets an end if it had none. */
  insertAfter(line: number, lines: readonly string[]): Edit {
    const added = lines.map((l) => l + this.#eol)
    const existing = this.text.split(/(?<=\n)/)[line] ?? ''
    if (existing.endsWith('\n')) return { line: line + 1, remove: 0, add: added }
    return { line, remove: 1, add: [existing + this.#eol, ...added] }
  }

  replace(line: number, count: number, lines: readonly string[]): Edit {
    return { line, remove: count, add: lines.map((l) => l + this.#eol) }
  }
}

type KeyPair = { key: number; start: number; end: number; pair: Pair }

function pairOf(map: YAMLMap, name: string): KeyPair | undefined {
  const pair = map.items.find(({ key }) => isScalar(key) && key.value === name)
  if (pair === undefined || !isScalar(pair.key)) return undefined
  const { value } = pair
  const range = isMap(value) || isSeq(value) || isScalar(value) ? value.range : undefined
  const key = pair.key.range?.[0]
  if (range === undefined || range === null || key === undefined) return undefined
  return { key, start: range[0], end: range[1], pair }
}

/** Below the list's last entry, with the list's own indentation. */
function extendList(
  { pair, key, start, end }: KeyPair,
  cut: Lines,
  rules: readonly string[][],
): Edit[] | undefined {
  const list = pair.value
  if (!isSeq(list)) return undefined
  if (list.flow === true) {
    if (list.items.length > 0 || cut.at(key) !== cut.endingAt(end)) return undefined
    const from = cut.text.lastIndexOf('\n', key) + 1
    const to = cut.text.indexOf('\n', end)
    const rest = cut.text.slice(end, to === -1 ? undefined : to).trimEnd()
    const head = cut.text.slice(from, start).trimEnd() + rest
    return [cut.replace(cut.at(key), 1, [head, ...indented(rules, cut.column(key) + 2)])]
  }
  if (cut.text[start] !== '-') return undefined
  const last = list.items.at(-1)
  const lastEnd = isMap(last) ? last.range?.[1] : undefined
  if (lastEnd === undefined) return undefined
  return [cut.insertAfter(cut.endingAt(lastEnd), indented(rules, cut.column(start)))]
}

/** A file without rules gets them below what opens anything so far. */
function appendList(top: YAMLMap, cut: Lines, rules: readonly string[][]): Edit[] | undefined {
  const presets = isNone(pairOf(top, 'presets')) ? undefined : pairOf(top, 'presets')
  const before =
    presets ?? pairOf(top, 'description') ?? pairOf(top, 'name') ?? pairOf(top, 'command')
  if (before === undefined) return undefined
  const margin = cut.column(before.key)
  const lines = [`${' '.repeat(margin)}rules:`, ...indented(rules, margin + 2)]
  return [cut.insertAfter(cut.endingAt(before.end), lines)]
}

/** `none` stands alone; beside rules it would contradict them. */
function dropNone(top: YAMLMap, cut: Lines): Edit[] {
  const presets = pairOf(top, 'presets')
  if (presets === undefined || !isNone(presets)) return []
  const first = cut.at(presets.key)
  return [{ line: first, remove: cut.endingAt(presets.end) - first + 1, add: [] }]
}

function isNone(presets: KeyPair | undefined): boolean {
  const value = presets?.pair.value
  const names = isSeq(value) ? value.items : [value]
  return names.some((name) => isScalar(name) && (name.value === 'none' || name.value === 'off'))
}

function indented(rules: readonly string[][], columns: number): string[] {
  return rules.flat().map((line) => ' '.repeat(columns) + line)
}
