import type { Language, Piece } from './language.ts'

/** A text in all of some languages and in none of others, if there is one. */
export type FoundText = { kind: 'found'; text: string } | { kind: 'none' } | { kind: 'too-large' }

/** States of all automata together; more would take seconds. */
const MAX_STATES = 20_000

/** One step of a pattern: exactly this character, or any number of some. */
type Step = { kind: 'character'; character: string } | { kind: 'any' } | { kind: 'no-slash' } | Skip
/** Nothing of what the next steps say, so many, or all of it. */
type Skip = { kind: 'skip'; steps: number }

/** Breadth first through all automata at once, so the text is a shortest one. */
export function findText(required: readonly Language[], forbidden: readonly Language[]): FoundText {
  const automata = [...required, ...forbidden].map(stepsOf)
  const alphabet = alphabetOf(automata)
  const start = automata.map((steps) => closure(steps, [0]))
  const isFound = (state: State): boolean =>
    automata.every((steps, i) => (state[i] ?? []).includes(steps.length) === i < required.length)
  const seen = new Set<string>([start.join('|')])
  let frontier: Reached[] = [{ state: start, text: '' }]
  while (frontier.length > 0) {
    const found = frontier.find(({ state }) => isFound(state))
    if (found !== undefined) return { kind: 'found', text: found.text }
    if (seen.size > MAX_STATES) return { kind: 'too-large' }
    frontier = frontier.flatMap(({ state, text }) =>
      alphabet.flatMap((character) => {
        const reached = automata.map((steps, i) => advance(steps, state[i] ?? [], character))
        const isUseful = !isLost(reached, required.length) && isNew(reached, seen)
        return isUseful ? [{ state: reached, text: text + character }] : []
      }),
    )
  }
  return { kind: 'none' }
}

/** Positions of each automaton. */
type State = readonly (readonly number[])[]
type Reached = { state: State; text: string }

/** Some language that the text has to be in cannot be reached any more. */
function isLost(state: State, required: number): boolean {
  return state.some((positions, i) => i < required && positions.length === 0)
}

function isNew(state: State, seen: Set<string>): boolean {
  const key = state.join('|')
  if (seen.has(key)) return false
  seen.add(key)
  return true
}

function stepsOf(language: Language): readonly Step[] {
  return language.flatMap(pieceSteps)
}

function pieceSteps(piece: Piece): Step[] {
  switch (piece.kind) {
    case 'text':
      return Array.from(piece.text, (character) => ({ kind: 'character', character }))
    case 'gap':
      return [{ kind: 'any' }]
    case 'segment':
      return [{ kind: 'no-slash' }]
    case 'segments':
      // nothing, or anything that begins with `/`
      return [{ kind: 'skip', steps: 2 }, { kind: 'character', character: '/' }, { kind: 'any' }]
  }
}

/** Positions that are reached from these without a character, sorted. */
function closure(steps: readonly Step[], from: readonly number[]): number[] {
  const reached = new Set<number>()
  const open = [...from]
  for (let position = open.pop(); position !== undefined; position = open.pop()) {
    if (reached.has(position)) continue
    reached.add(position)
    const step = steps[position]
    if (step === undefined || step.kind === 'character') continue
    open.push(position + 1)
    if (step.kind === 'skip') open.push(position + 1 + step.steps)
  }
  return [...reached].sort((a, b) => a - b)
}

function advance(steps: readonly Step[], from: readonly number[], character: string): number[] {
  const next = from.flatMap((position) => {
    const step = steps[position]
    if (step?.kind === 'character') return step.character === character ? [position + 1] : []
    const stays = step?.kind === 'any' || (step?.kind === 'no-slash' && character !== '/')
    return stays ? [position] : []
  })
  return next.length === 0 ? [] : closure(steps, next)
}

/** Every character that some pattern names, and one that none does, which stands for all others. */
function alphabetOf(automata: readonly (readonly Step[])[]): string[] {
  const named = new Set(['/'])
  for (const step of automata.flat()) if (step.kind === 'character') named.add(step.character)
  let other = 'x'.codePointAt(0) ?? 0
  while (named.has(String.fromCodePoint(other))) other += 1
  return [String.fromCodePoint(other), ...named]
}
