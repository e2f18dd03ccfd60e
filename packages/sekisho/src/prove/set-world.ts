import type { Symbolic, SymbolicSet } from './symbolic.ts'
import { and, bool, equal, FALSE, implies, not, or, type Term, TRUE, variable } from './term.ts'

/** Whether two values are equal, as Cedar's `==` says; it never fails. */
export type Same = (a: Symbolic, b: Symbolic) => Term

type Member = { element: Symbolic; isIn: Term }
type SetState = { place: string; members: Map<string, Member>; hasOther: Term }
type Pair = { inner: SetState; outer: SetState; isSubset: Term; overlaps: Term }

/**
 * The sets of a request of which only their places are known. Of each it is tracked whether the
 * elements are in it that some policy asks about, and whether it has others.
 */
export class SetWorld {
  readonly #same: Same
  readonly #sets = new Map<string, SetState>()
  readonly #beyonds = new Map<string, { set: SetState; within: readonly Symbolic[]; term: Term }>()
  readonly #pairs = new Map<string, Pair>()

  constructor(same: Same) {
    this.#same = same
  }

  contains(set: SymbolicSet, element: Symbolic): Term {
    if (set.kind === 'literal') return or(...set.elements.map((each) => this.#same(each, element)))
    return this.#member(this.#state(set.place), element).isIn
  }

  /** Every element of `inner` is in `outer`. */
  isSubset(inner: SymbolicSet, outer: SymbolicSet): Term {
    if (inner.kind === 'literal') {
      return and(...inner.elements.map((element) => this.contains(outer, element)))
    }
    const state = this.#state(inner.place)
    if (outer.kind === 'literal') return not(this.#beyond(state, outer.elements))
    return inner.place === outer.place ? TRUE : this.#pair(state, this.#state(outer.place)).isSubset
  }

  overlaps(a: SymbolicSet, b: SymbolicSet): Term {
    if (a.kind === 'literal') return or(...a.elements.map((element) => this.contains(b, element)))
    if (b.kind === 'literal') return this.overlaps(b, a)
    if (a.place === b.place) return not(this.isEmpty(a))
    const [first, second] = a.place < b.place ? [a, b] : [b, a]
    return this.#pair(this.#state(first.place), this.#state(second.place)).overlaps
  }

  isEmpty(set: SymbolicSet): Term {
    if (set.kind === 'literal') return bool(set.elements.length === 0)
    return not(this.#beyond(this.#state(set.place), []))
  }

  equals(a: SymbolicSet, b: SymbolicSet): Term {
    return and(this.isSubset(a, b), this.isSubset(b, a))
  }

  /** Elements known to be asked about, for whoever shows a set. */
  membersOf(place: string): readonly Member[] {
    return [...(this.#sets.get(place)?.members.values() ?? [])]
  }

  get places(): readonly string[] {
    return [...this.#sets.keys()]
  }

  /** What must hold between the answers above; to be asked for last. */
  facts(): Term[] {
    this.#trackAlike()
    return [
      ...[...this.#sets.values()].flatMap((set) => this.#membersAgree(set)),
      ...[...this.#beyonds.values()].map((beyond) => this.#defineBeyond(beyond)),
      ...[...this.#pairs.values()].flatMap((pair) => this.#definePair(pair)),
    ]
  }

  #state(place: string): SetState {
    const known = this.#sets.get(place)
    if (known !== undefined) return known
    const state = { place, members: new Map(), hasOther: variable(`${place} has others`, 'Bool') }
    this.#sets.set(place, state)
    return state
  }

  #member(set: SetState, element: Symbolic): Member {
    const key = keyOf(element)
    const known = set.members.get(key)
    if (known !== undefined) return known
    this.#same(element, element) // what cannot be compared is found out while a policy is to blame
    const member = { element, isIn: variable(`${key} in ${set.place}`, 'Bool') }
    set.members.set(key, member)
    return member
  }

  #beyond(set: SetState, within: readonly Symbolic[]): Term {
    for (const element of within) this.#member(set, element)
    const key = `${set.place} beyond ${within.map(keyOf).join(' ')}`
    const known = this.#beyonds.get(key)
    if (known !== undefined) return known.term
    const term = variable(key, 'Bool')
    this.#beyonds.set(key, { set, within, term })
    return term
  }

  #pair(inner: SetState, outer: SetState): Pair {
    const key = `${inner.place} within ${outer.place}`
    const known = this.#pairs.get(key)
    if (known !== undefined) return known
    const isSubset = variable(key, 'Bool')
    const overlaps = variable(`${inner.place} overlaps ${outer.place}`, 'Bool')
    const pair = { inner, outer, isSubset, overlaps }
    this.#pairs.set(key, pair)
    return pair
  }

  /** Sets that are compared track the same elements. */
  #trackAlike(): void {
    for (let before = -1, now = this.#size(); now !== before; now = this.#size()) {
      before = now
      for (const { inner, outer } of this.#pairs.values()) {
        for (const { element } of inner.members.values()) this.#member(outer, element)
        for (const { element } of outer.members.values()) this.#member(inner, element)
      }
    }
  }

  #size(): number {
    return [...this.#sets.values()].reduce((sum, { members }) => sum + members.size, 0)
  }

  #membersAgree({ members }: SetState): Term[] {
    const all = [...members.values()]
    // constants with keys of their own are never equal
    const open = all.filter(({ element }) => !isConstant(element))
    return open.flatMap((a) =>
      all
        .filter((b) => a !== b)
        .map((b) => implies(this.#same(a.element, b.element), equal(a.isIn, b.isIn))),
    )
  }

  #defineBeyond({
    set,
    within,
    term,
  }: {
    set: SetState
    within: readonly Symbolic[]
    term: Term
  }): Term {
    const outside = [...set.members.values()].map(({ element, isIn }) =>
      and(isIn, ...within.map((each) => not(this.#same(each, element)))),
    )
    return equal(term, or(set.hasOther, ...outside))
  }

  #definePair({ inner, outer, isSubset, overlaps }: Pair): Term[] {
    const common: Term[] = []
    const only: Term[] = []
    for (const [key, { isIn }] of inner.members) {
      const isInOuter = outer.members.get(key)?.isIn ?? FALSE
      common.push(and(isIn, isInOuter))
      only.push(and(isIn, not(isInOuter)))
    }
    return [
      implies(isSubset, not(or(...only))),
      implies(and(isSubset, inner.hasOther), outer.hasOther),
      implies(not(isSubset), or(inner.hasOther, ...only)),
      implies(or(...common), overlaps),
      implies(overlaps, or(and(inner.hasOther, outer.hasOther), ...common)),
    ]
  }
}

/** One name for what is surely one value; what differs in it may still be equal. */
export function keyOf(value: Symbolic): string {
  if ('term' in value)
    return `${value.kind === 'string' ? '' : `${value.kind} `}${termKey(value.term)}`
  switch (value.kind) {
    case 'entity':
      return value.place
    case 'set':
      return value.set.kind === 'symbol' ? value.set.place : value.set.elements.map(keyOf).join(' ')
    case 'record':
      return value.record.names
        .map((name) => `${name}: ${fieldKey(value.record.field(name))}`)
        .join()
    case 'choice':
      return `if ${termKey(value.when)} then ${keyOf(value.yes)} else ${keyOf(value.no)}`
    case 'unknown':
      return value.name
  }
}

function fieldKey(field: { value: Symbolic; present: Term } | undefined): string {
  return field === undefined ? '' : `${termKey(field.present)} ${keyOf(field.value)}`
}

function isConstant(value: Symbolic): boolean {
  const term = value.kind === 'entity' ? value.id : 'term' in value ? value.term : undefined
  return term !== undefined && 'value' in term
}

function termKey(term: Term): string {
  if (term.kind === 'variable') return term.name
  if (term.kind === 'string') return JSON.stringify(term.value)
  if ('value' in term) return String(term.value)
  return JSON.stringify(term, (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}` : value,
  )
}
