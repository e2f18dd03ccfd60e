import type { PolicyRule, RuleOptions, Scheme } from '../wire/policy.ts'
import { PathIndex } from './path-index.ts'

/** What one allow rule says beyond that it allows. */
export type RuleTerms = { id: string; hasPaths: boolean; options: RuleOptions }

/** Everything that rules say about one host pattern, scheme and port. */
export type Opening = {
  scheme: Scheme
  port: number
  allows: PathIndex
  /** of the allow rules, those that also allow a WebSocket */
  sockets: PathIndex
  denies: PathIndex
  /** of the allow rules, those that have options */
  terms: RuleTerms[]
  /** ids of the allow rules */
  openedBy: string[]
  /** ids of deny rules that let nothing through */
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

const SCHEME_BITS: Readonly<Record<Scheme, number>> = { http: 0, https: 1, tcp: 2, tls: 3 }

export function openingKey(scheme: Scheme, port: number): number {
  return port * 4 + SCHEME_BITS[scheme]
}

function newOpening({ scheme, port }: PolicyRule): Opening {
  return {
    scheme,
    port,
    allows: new PathIndex('allow'),
    sockets: new PathIndex('allow'),
    denies: new PathIndex('deny'),
    terms: [],
    openedBy: [],
    closedBy: [],
  }
}

function addTo(opening: Opening, rule: PolicyRule): void {
  if (rule.effect === 'allow') {
    opening.allows.add(rule)
    opening.openedBy.push(rule.id)
    if (rule.options?.websocket === true) opening.sockets.add(rule)
    if (rule.options !== undefined) addTerms(opening, rule, rule.options)
    return
  }
  opening.denies.add(rule)
  if (closes(rule)) opening.closedBy.push(rule.id)
}

/** The narrower first: a path below a registry knows its packages better than the whole host. */
function addTerms(opening: Opening, { id, paths }: PolicyRule, options: RuleOptions): void {
  const terms = { id, hasPaths: paths.length > 0, options }
  if (terms.hasPaths) opening.terms.unshift(terms)
  else opening.terms.push(terms)
}

/** Methods and paths are not seen in what is no HTTP, so a rule that names them denies all of it. */
function closes({ scheme, methods, paths }: PolicyRule): boolean {
  return (methods.length === 0 && paths.length === 0) || scheme === 'tcp' || scheme === 'tls'
}

/** Sorted, each once: the order of the rules in a file must not show in a verdict. */
export function nameRules(ids: string[]): string[] {
  return ids.length < 2 ? ids : [...new Set(ids)].sort().slice(0, MAX_NAMED_RULES)
}
