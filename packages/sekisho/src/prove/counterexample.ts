import type { Counterexample } from '../wire/solver.ts'
import type { Frame } from './frame.ts'
import type { Assignment, Value } from './smt-text.ts'
import { requestText } from './request-text.ts'
import type { World } from './world.ts'

type Shown = Counterexample['values'][string]

/**
 * Says what a solver found.
 *
 * @param named texts that some file or policy says; any other stands for all that none does
 */
export function describeRequest(
  frame: Frame,
  assignment: Assignment,
  { world, named }: { world: World; named: ReadonlySet<string> },
): Counterexample {
  const values = Object.fromEntries(
    [
      ...scalars(assignment),
      ...world.sets.places.map((place) => [place, elements(place, assignment, world)] as const),
      ...memberships(assignment),
    ].toSorted(([a], [b]) => (a < b ? -1 : 1)),
  )
  const { action, resource, principals } = frame
  const request = { action, resource, principals: [...principals], values }
  return { ...request, text: requestText(request, (text) => named.has(text)) }
}

type Entry = readonly [place: string, value: Shown]

function scalars(assignment: Assignment): Entry[] {
  return [...assignment].flatMap(([name, value]): Entry[] =>
    isPlace(name) && !isAbsent(name, assignment) ? [[name, shown(value)]] : [],
  )
}

/** As far as policies ask; `…` for any that none asks about. */
function elements(place: string, assignment: Assignment, world: World): string[] {
  const known = world.sets.membersOf(place).flatMap(({ element, isIn }) => {
    const isMember = isIn.kind === 'variable' && assignment.get(isIn.name) === true
    const term = 'term' in element ? element.term : undefined
    return isMember && term !== undefined && 'value' in term ? [String(term.value)] : []
  })
  return assignment.get(`${place} has others`) === true ? [...known, '…'] : known
}

/** Entities that are in one that a policy names. */
function memberships(assignment: Assignment): Entry[] {
  return [...assignment].flatMap(([name, value]): Entry[] => {
    const isMember = value === true && /^[a-z][\w.]* in \w+::/i.test(name)
    return isMember ? [[name, true]] : []
  })
}

/** Not `… is there`, a guess, or an order between entities. */
function isPlace(name: string): boolean {
  return /^[a-z][\w.]*$/i.test(name)
}

/** A value below something optional that is not there says nothing. */
function isAbsent(name: string, assignment: Assignment): boolean {
  const parts = name.split('.')
  return parts.some((_, end) => {
    const above = parts.slice(0, end + 1).join('.')
    return assignment.get(`${above} is there`) === false
  })
}

function shown(value: Value): string | number | boolean {
  if (typeof value !== 'bigint') return value
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : String(value)
}
