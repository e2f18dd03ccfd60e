import type { PolicyRule } from '../wire/policy.ts'
import { compileGlob, literalSegments, type PathMatcher } from './path-glob.ts'
import { loosenPath, type PathReading } from './path-reading.ts'

type Entry = {
  id: string
  /** null means any */
  methods: ReadonlySet<string> | null
  exact: PathMatcher
  loose: PathMatcher
}

type Node = { entries: Entry[]; children: Map<string, Node> }

/**
 * Rules of one effect, host, scheme and port, kept in a tree by the segments before the first
 * wildcard, so that a decision looks only at rules that the path can fit.
 */
export class PathIndex {
  readonly #effect: PolicyRule['effect']
  readonly #root: Node = { entries: [], children: new Map() }
  readonly #all: Entry[] = []

  constructor(effect: PolicyRule['effect']) {
    this.#effect = effect
  }

  add(rule: PolicyRule): void {
    const methods = rule.methods.length === 0 ? null : new Set(rule.methods)
    for (const glob of rule.paths.length === 0 ? ['/**'] : rule.paths) {
      const looseGlob = loosenPath(glob)
      const exact = compileGlob(glob)
      const loose = looseGlob === glob ? exact : compileGlob(looseGlob)
      const entry = { id: rule.id, methods, exact, loose }
      this.#all.push(entry)
      this.#nodeOf(literalSegments(glob)).entries.push(entry)
      // A deny rule also stops what only its loose form names.
      if (looseGlob === glob || this.#effect === 'allow') continue
      this.#nodeOf(literalSegments(looseGlob)).entries.push(entry)
    }
  }

  /** Adds the id of every rule that matches, once for each of its paths that does. */
  collect(method: string, path: PathReading, into: string[]): void {
    if (this.#all.length === 0) return
    if (path.exact !== path.loose) {
      this.#collectFrom(this.#all, { method, path, into })
      return
    }
    let node: Node | undefined = this.#root
    let start = 1
    while (node !== undefined) {
      this.#collectFrom(node.entries, { method, path, into })
      if (start > path.exact.length || node.children.size === 0) return
      const slash = path.exact.indexOf('/', start)
      const end = slash === -1 ? path.exact.length : slash
      node = node.children.get(path.exact.slice(start, end))
      start = end + 1
    }
  }

  #collectFrom(
    entries: readonly Entry[],
    { method, path, into }: { method: string; path: PathReading; into: string[] },
  ): void {
    for (const entry of entries) {
      if (entry.methods !== null && !entry.methods.has(method)) continue
      if (this.#matches(entry, path)) into.push(entry.id)
    }
  }

  #matches(entry: Entry, path: PathReading): boolean {
    const exact = entry.exact(path.exact)
    if (path.exact === path.loose && entry.exact === entry.loose) return exact
    return this.#effect === 'allow'
      ? exact && entry.loose(path.loose)
      : exact || entry.loose(path.loose)
  }

  #nodeOf(segments: readonly string[]): Node {
    let node = this.#root
    for (const segment of segments) {
      let next = node.children.get(segment)
      if (next === undefined) {
        next = { entries: [], children: new Map() }
        node.children.set(segment, next)
      }
      node = next
    }
    return node
  }
}
