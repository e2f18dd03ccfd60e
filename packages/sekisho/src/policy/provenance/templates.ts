import { canonicalHost } from '../../core/host.ts'
import { canonicalPath, canonicalQuery } from '../../core/url-path.ts'
import { printable, type Read } from '../problem.ts'
import { urlOfRequest } from './canonical-url.ts'
import { readVariableKind, type Variable } from './variable.ts'

/** A URL in which some parts may be chosen. */
export type UrlTemplate = {
  /** as it was written */
  source: string
  /** `https://host:port`, in which nothing is variable */
  origin: string
  parts: readonly (string | Variable)[]
  /** how much one URL of it can say, in bits */
  bits: number
}

const MAX_SOURCE = 1024
const MAX_VARIABLES = 8
const VARIABLE = /\{([a-z][a-z0-9_]{0,31})(?::((?:[^{}]|\{[^{}]*\})*))?\}/g
/** what a variable without a kind is */
const USUAL = 'word'

/**
 * `https://api.example/v1/items/{id:int}?lang={lang:[a-z]{2,2}}`: scheme, host and port as they
 * are; path and query with variables of a kind ({@link readVariableKind}). A variable ends where a
 * character stands that it cannot have, the last one where the template's ending begins: there is
 * one way to read a URL, and nothing to go back to.
 */
export function readTemplate(source: string): Read<UrlTemplate> {
  if (source.length > MAX_SOURCE)
    return { problem: `a template has at most ${MAX_SOURCE} characters` }
  const cut = cutAtVariables(source)
  if ('problem' in cut) return cut
  const [head] = cut.value
  const origin = typeof head === 'string' ? readOrigin(head) : undefined
  if (origin === undefined || typeof head !== 'string') {
    return {
      problem: `\`${printable(source)}\` does not begin with a scheme, a host and a slash`,
      hint: 'write https://api.example.com/v1/items/{id:int}; nothing before the path is variable',
    }
  }
  const parts = [head.slice(origin.written.length), ...cut.value.slice(1)]
  const problem = explainParts(parts) ?? explainText(parts)
  if (problem !== undefined) return { problem: `\`${printable(source)}\`: ${problem}` }
  const bits = parts.reduce((sum, part) => (typeof part === 'string' ? sum : sum + part.bits), 0)
  return { value: { source, origin: origin.canonical, parts, bits: Math.ceil(bits * 1000) / 1000 } }
}

function cutAtVariables(source: string): Read<(string | Variable)[]> {
  const parts: (string | Variable)[] = []
  let at = 0
  for (const match of source.matchAll(VARIABLE)) {
    const kind = readVariableKind(match[2] ?? USUAL)
    if ('problem' in kind) return kind
    parts.push(source.slice(at, match.index), kind.value)
    at = match.index + match[0].length
  }
  parts.push(source.slice(at))
  return { value: parts.filter((part) => part !== '') }
}

function readOrigin(head: string): { written: string; canonical: string } | undefined {
  const [written, secure, name = '', port = ''] =
    /^http(s?):\/\/([^/:?#@]+)(?::(\d{1,5}))?(?=\/)/.exec(head) ?? []
  const host = canonicalHost(name)
  if (written === undefined || host === undefined) return undefined
  const scheme = secure === 's' ? 'https' : 'http'
  const number = port === '' ? { http: 80, https: 443 }[scheme] : Number(port)
  if (number < 1 || number > 65_535) return undefined
  return { written, canonical: urlOfRequest({ scheme, host, port: number, path: '', query: null }) }
}

function explainParts(parts: readonly (string | Variable)[]): string | undefined {
  const variables = parts.filter((part) => typeof part !== 'string')
  if (variables.length > MAX_VARIABLES) return `has more than ${MAX_VARIABLES} variables`
  for (const [index, part] of parts.entries()) {
    const next = parts[index + 1]
    if (typeof part === 'string' || next === undefined) continue
    if (typeof next !== 'string') return 'two variables stand side by side'
    if (index === parts.length - 2) continue // what stands last is looked for from the end
    if (part.characters.has(next[0] ?? '')) {
      return `a variable can have the \`${next[0] ?? ''}\` that stands after it, so nobody knows where it ends`
    }
  }
  return undefined
}

/** Literals must be as the gate writes them, or no request would ever be like them. */
function explainText(parts: readonly (string | Variable)[]): string | undefined {
  const text = parts.map((part) => (typeof part === 'string' ? part : 'x')).join('')
  if (/[#{}]/.test(text)) return 'holds #, { or } outside of a variable'
  const mark = text.indexOf('?')
  const path = mark === -1 ? text : text.slice(0, mark)
  if (canonicalPath(path) !== path) return 'its path is not canonical'
  return mark === -1 || canonicalQuery(text.slice(mark + 1)) !== undefined
    ? undefined
    : 'its query holds what no client may send'
}

/** How far into a URL a template goes along with it. */
export type Nearest = { template: UrlTemplate; matched: string }

/** Templates by origin. Matching takes time in proportion to the URL and the templates of its host. */
export class UrlTemplates {
  readonly #byOrigin = new Map<string, UrlTemplate[]>()

  constructor(templates: readonly UrlTemplate[]) {
    for (const template of templates) {
      const there = this.#byOrigin.get(template.origin) ?? []
      this.#byOrigin.set(template.origin, there)
      there.push(template)
    }
  }

  /** @param url canonical. The one that says least, where several fit. */
  match(url: string): UrlTemplate | undefined {
    const { origin, rest } = split(url)
    return (this.#byOrigin.get(origin) ?? [])
      .filter((template) => follow(template, rest) === rest.length)
      .toSorted((a, b) => a.bits - b.bits)[0]
  }

  /** For the operator: the template of the same origin that goes along furthest. */
  nearest(url: string): Nearest | undefined {
    const { origin, rest } = split(url)
    let nearest: Nearest | undefined
    for (const template of this.#byOrigin.get(origin) ?? []) {
      const matched = rest.slice(0, Math.abs(follow(template, rest)))
      if (nearest === undefined || matched.length > nearest.matched.length)
        nearest = { template, matched }
    }
    return nearest
  }
}

/** @throws nothing: what does not read is left out, and nothing matches it */
export function compileTemplates(sources: readonly string[]): UrlTemplates {
  const read = sources.map(readTemplate)
  return new UrlTemplates(read.flatMap((result) => ('value' in result ? [result.value] : [])))
}

function split(url: string): { origin: string; rest: string } {
  const slash = url.indexOf('/', url.indexOf('://') + 3)
  return { origin: url.slice(0, slash), rest: url.slice(slash) }
}

/** @returns the length of the text for a match; else how far it went, negative or zero */
function follow({ parts }: UrlTemplate, text: string): number {
  let at = 0
  for (const [index, part] of parts.entries()) {
    if (typeof part === 'string') {
      if (!text.startsWith(part, at)) return -(at + commonLength(part, text, at))
      at += part.length
    } else {
      const end = part.end(index === parts.length - 2 ? beforeEnding(parts, text) : text, at)
      if (end === -1) return -at
      at = end
    }
  }
  return at === text.length ? at : -at
}

function beforeEnding(parts: UrlTemplate['parts'], text: string): string {
  const last = parts.at(-1)
  return typeof last === 'string' && text.endsWith(last) ? text.slice(0, -last.length) : text
}

function commonLength(part: string, text: string, at: number): number {
  let length = 0
  while (length < part.length && part[length] === text[at + length]) length += 1
  return length
}
