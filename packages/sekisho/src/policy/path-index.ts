import type { PolicyRule } from '../wire/policy.ts'
import { compileGlob, leadingSegments, type PathMatcher } from './path-glob.ts'
import { loosenPath, type PathReading } from './path-reading.ts'

type Entry = {
  id: string
  /** null means any */
  methods: ReadonlySet<string> | null
  exact: PathMatcher
  loose: PathMatcher
}

type Node = { entries: Entry[]; children: Map<string, Node> }
type Query = { method: string; path: PathReading; into: string[] }

/**
 * Rules of one effect, host, scheme and port, kept in a tree by the segments before the first
 * real wildcard (a segment `*` has a branch of its own), so that a decision looks only at rules
 * that the path can fit.
 */
export class PathIndex {
  readonly #effect: PolicyRule['effect']
  readonly #root: Node = { entries: [], children: new Map() }

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
      this.#nodeOf(leadingSegments(glob)).entries.push(entry)
      // A deny rule also stops what only its loose form names.
      if (looseGlob === glob || this.#effect === 'allow') continue
      this.#nodeOf(leadingSegments(looseGlob)).entries.push(entry)
    }
  }

  /** Adds the id of every rule that matches, at least once. */
  collect(method: string, path: PathReading, into: string[]): void {
    const query = { method, path, into }
    this.#walk(this.#root, path.exact.segments, { index: 1, query })
    if (this.#effect === 'allow' || path.exact === path.loose) return
    this.#walk(this.#root, path.loose.segments, { index: 1, query })
  }

  #walk(
    node: Node,
    segments: readonly string[],
    { index, query }: { index: number; query: Query },
  ): void {
    for (const entry of node.entries) {
      if (entry.methods !== null && !entry.methods.has(query.method)) continue
      if (this.#matches(entry, query.path)) query.into.push(entry.id)
    }
    const segment = segments[index]
    if (segment === undefined || node.children.size === 0) return
    const next = { index: index + 1, query }
    const literal = node.children.get(segment)
    if (literal !== undefined) this.#walk(literal, segments, next)
    const any = segment === '*' ? undefined : node.children.get('*')
    if (any !== undefined) this.#walk(any, segments, next)
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
