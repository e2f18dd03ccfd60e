import type { PolicyRule } from '../wire/policy.ts'
import { PathIndex } from './path-index.ts'

/** Everything that rules say about one host pattern, scheme and port. */
export type Opening = {
  scheme: PolicyRule['scheme']
  port: number
  allows: PathIndex
  denies: PathIndex
  /** ids of the allow rules */
  openedBy: string[]
  /** ids of deny rules that name neither method nor path: nothing gets through */
  closedBy: string[]
}

/** Openings of one host pattern by {@link openingKey}. */
export type Openings = ReadonlyMap<number, Opening>

const LONGEST_NAME = 253

/** Rule ids in one verdict: a log leaf has 65,535 bytes. */
const MAX_NAMED_RULES = 64

/** Finds what the rules say about a host by hash lookups: one, and one a label for wildcards. */
export class HostIndex {
  readonly #exact = new Map<string, Map<number, Opening>>()
  readonly #below = new Map<string, Map<number, Opening>>()

  constructor(rules: readonly PolicyRule[]) {
    for (const rule of rules) this.#add(rule)
    for (const openings of [...this.#exact.values(), ...this.#below.values()]) {
      for (const opening of openings.values()) {
        opening.openedBy = nameRules(opening.openedBy)
        opening.closedBy = nameRules(opening.closedBy)
      }
    }
  }

  find(host: string): readonly Openings[] {
    if (host.length > LONGEST_NAME) return []
    const found: Openings[] = []
    const exact = this.#exact.get(host)
    if (exact !== undefined) found.push(exact)
    if (this.#below.size === 0) return found
    for (let dot = host.indexOf('.', 1); dot !== -1; dot = host.indexOf('.', dot + 1)) {
      const below = this.#below.get(host.slice(dot + 1))
      if (below !== undefined) found.push(below)
    }
    return found
  }

  #add(rule: PolicyRule): void {
    const wild = rule.host.startsWith('*.')
    const hosts = wild ? this.#below : this.#exact
    const name = wild ? rule.host.slice(2) : rule.host
    const openings = hosts.get(name) ?? new Map<number, Opening>()
    hosts.set(name, openings)
    const key = openingKey(rule.scheme, rule.port)
    const opening = openings.get(key) ?? newOpening(rule)
    openings.set(key, opening)
    addTo(opening, rule)
  }
}

export function openingKey(scheme: PolicyRule['scheme'], port: number): number {
  return port * 2 + (scheme === 'https' ? 1 : 0)
}

function newOpening({ scheme, port }: PolicyRule): Opening {
  return {
    scheme,
    port,
    allows: new PathIndex('allow'),
    denies: new PathIndex('deny'),
    openedBy: [],
    closedBy: [],
  }
}

function addTo(opening: Opening, rule: PolicyRule): void {
  if (rule.effect === 'allow') {
    opening.allows.add(rule)
    opening.openedBy.push(rule.id)
    return
  }
  opening.denies.add(rule)
  if (rule.methods.length === 0 && rule.paths.length === 0) opening.closedBy.push(rule.id)
}

/** Sorted, each once: the order of the rules in a file must not show in a verdict. */
export function nameRules(ids: string[]): string[] {
  return ids.length < 2 ? ids : [...new Set(ids)].sort().slice(0, MAX_NAMED_RULES)
}
