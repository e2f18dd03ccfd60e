import { parseJson } from '../core/parse-json.ts'
import { holdOf, type LogLeaf, membersOf, sessionOf, textOf } from './leaf-fields.ts'

/** What a leaf can be found by, beside its words and its time. */
export const FACETS = [
  'type',
  'session',
  'agent',
  'user',
  'host',
  'verdict',
  'rule',
  'credential',
  'approver',
  'model',
  'tool',
] as const
export type Facet = (typeof FACETS)[number]
export type Facets = ReadonlyMap<Facet, ReadonlySet<string>>

/** Key and value; what is written can be read again at once. */
export type Store = {
  get(key: string): string | undefined
  set(key: string, value: string): void
  delete(key: string): void
}

/** Values of one facet that one leaf is found by; a leaf has far fewer. */
const MAX_VALUES = 256
const MAX_VALUE_LENGTH = 512

/**
 * Reads the leaves of one log in their order and says what each is found by: what stands in it, and
 * what it is about. A leaf of a session has the session's agent and user, an outcome the host, rules,
 * credentials and approvers of its intent, an answer the host of what it answers.
 */
export class FacetReader {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  read(leaf: LogLeaf): Facets {
    const facets = new FacetSet()
    addOwn(leaf, facets)
    this.#inherit(leaf, facets)
    return facets.values
  }

  /** The names and uids that go with a user's name: `alice`, and `uid-1000` where she was seen with it. */
  namesOfUser(name: string): readonly string[] {
    return [name, ...this.#list(['user', name])]
  }

  #inherit(leaf: LogLeaf, facets: FacetSet): void {
    const session = sessionOf(leaf)
    if (session === undefined) return
    facets.add('session', session)
    if (leaf['type'] === 'session.start') return this.#remember(session, facets)
    this.#add(['session', session], facets)
    this.#learnNames(leaf, facets)
    this.#followAction(leaf, session, facets)
    this.#followHold(leaf, session, facets)
  }

  #remember(session: string, facets: FacetSet): void {
    this.#put(['session', session], facets.pairs(['agent', 'user']))
  }

  #learnNames(leaf: LogLeaf, facets: FacetSet): void {
    const name = textOf(membersOf(leaf['facts'])['user'])
    if (name === undefined) return
    const uids = facets.of('user').filter((user) => user !== name && /^uid-\d+$/.test(user))
    const known = this.#list(['user', name])
    const all = new Set([...known, ...uids])
    if (all.size > known.length) this.#store.set(keyOf(['user', name]), JSON.stringify([...all]))
  }

  #followAction(leaf: LogLeaf, session: string, facets: FacetSet): void {
    const id = textOf(leaf['id'])
    if (id === undefined) return
    const key = ['action', session, id]
    if (leaf['type'] === 'action.outcome' || leaf['type'] === 'gap') {
      this.#add(key, facets)
      this.#store.delete(keyOf(key))
    }
    if (leaf['type'] === 'llm.call') this.#add(key, facets)
    if (leaf['type'] !== 'action.intent' || !facets.of('verdict').includes('allow')) return
    const hold = textOf(membersOf(leaf['hold'])['id'])
    if (hold !== undefined) this.#add(['approvers', session, hold], facets)
    this.#put(key, facets.pairs(['host', 'rule', 'credential', 'approver', 'model', 'tool']))
  }

  #followHold(leaf: LogLeaf, session: string, facets: FacetSet): void {
    if (leaf['type'] === 'action.held') {
      const id = textOf(leaf['id']) ?? ''
      this.#put(['hold', session, id], facets.pairs(['host', 'rule', 'model', 'tool']))
      return
    }
    const hold = holdOf(leaf)
    if (hold === undefined) return
    this.#add(['hold', session, hold], facets)
    if (leaf['type'] !== 'approval.answer' || leaf['result'] === 'refused') return
    const key = ['approvers', session, hold]
    const before = this.#pairs(key)
    this.#put(key, [...before, ...facets.pairs(['approver'])])
  }

  #add(key: readonly string[], facets: FacetSet): void {
    for (const [facet, value] of this.#pairs(key)) facets.add(facet, value)
  }

  #put(key: readonly string[], pairs: readonly Pair[]): void {
    this.#store.set(keyOf(key), JSON.stringify(pairs))
  }

  #pairs(key: readonly string[]): readonly Pair[] {
    return this.#list(key).flatMap((pair: unknown): Pair[] => {
      if (!Array.isArray(pair)) return []
      const [name, value]: unknown[] = pair
      const facet = FACETS.find((known) => known === name)
      return facet === undefined || typeof value !== 'string' ? [] : [[facet, value]]
    })
  }

  #list<T = string>(key: readonly string[]): readonly T[] {
    const kept = this.#store.get(keyOf(key))
    const list: unknown = kept === undefined ? [] : parseJson(kept)
    return Array.isArray(list) ? list : []
  }
}

type Pair = readonly [Facet, string]

class FacetSet {
  readonly values = new Map<Facet, Set<string>>()

  add(facet: Facet, value: unknown): void {
    if (typeof value !== 'string' || value === '') return
    const values = this.values.get(facet) ?? new Set()
    if (values.size < MAX_VALUES) values.add(value.slice(0, MAX_VALUE_LENGTH))
    this.values.set(facet, values)
  }

  addAll(facet: Facet, values: unknown): void {
    if (Array.isArray(values)) for (const value of values) this.add(facet, value)
  }

  of(facet: Facet): readonly string[] {
    return [...(this.values.get(facet) ?? [])]
  }

  pairs(facets: readonly Facet[]): Pair[] {
    return facets.flatMap((facet) => this.of(facet).map((value): Pair => [facet, value]))
  }
}

function addOwn(leaf: LogLeaf, facets: FacetSet): void {
  facets.add('type', leaf['type'])
  facets.add('agent', leaf['agent'])
  addPeople(leaf, facets)
  addDecision(leaf, facets)
  facets.add('host', hostOf(membersOf(leaf['action'])))
  facets.addAll('credential', leaf['credentials'])
  addModel(leaf['type'] === 'llm.call' ? leaf : membersOf(leaf['action']), facets)
}

/** Of a model call, of a call of a tool, and of what a call came to: `anthropic:claude-sonnet-5`. */
function addModel({ provider, model, tool }: LogLeaf, facets: FacetSet): void {
  if (typeof provider !== 'string' || typeof model !== 'string') return
  facets.add('model', `${provider}:${model}`)
  facets.add('tool', tool)
}

function addPeople(leaf: LogLeaf, facets: FacetSet): void {
  facets.add('user', membersOf(leaf['facts'])['user'])
  facets.add('user', uidName(membersOf(leaf['initiator'])['uid']))
  facets.add('user', uidName(membersOf(leaf['reader'])['uid']))
  facets.add('user', uidName(leaf['by']))
  if (leaf['type'] === 'approval.answer') facets.add('approver', leaf['signer'])
  for (const people of [leaf['operators'], leaf['signers']]) {
    if (Array.isArray(people)) for (const one of people) facets.add('approver', nameOf(one))
  }
}

function addDecision(leaf: LogLeaf, facets: FacetSet): void {
  const verdict = membersOf(leaf['verdict'])
  facets.add('verdict', leaf['type'] === 'action.held' ? 'hold' : verdict['kind'])
  facets.addAll('rule', verdict['rules'])
  facets.addAll('rule', leaf['rules'])
  facets.addAll('rule', membersOf(leaf['outcome'])['rules'])
  facets.add('rule', leaf['rule'])
}

function hostOf(action: LogLeaf): unknown {
  if (action['kind'] === 'dns.resolve') return action['name']
  return action['host'] ?? action['address']
}

/** `uid-1000` is what those are called who have no name of their own. */
function uidName(uid: unknown): string | undefined {
  return typeof uid === 'number' ? `uid-${uid}` : undefined
}

function nameOf(value: unknown): unknown {
  return membersOf(value)['name']
}

function keyOf(parts: readonly string[]): string {
  return JSON.stringify(parts) // an id is the agent side's choice, whatever characters it holds
}
