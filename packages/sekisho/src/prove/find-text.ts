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
  const isFound = (state: readonly (readonly number[])[]): boolean =>
    automata.every((steps, i) => (state[i] ?? []).includes(steps.length) === i < required.length)
  const seen = new Set<string>([start.join('|')])
  let frontier = [{ state: start, text: '' }]
  while (frontier.length > 0) {
    const next: typeof frontier = []
    for (const { state, text } of frontier) {
      if (isFound(state)) return { kind: 'found', text }
      for (const character of alphabet) {
        const reached = automata.map((steps, i) => advance(steps, state[i] ?? [], character))
        if (reached.some((positions, i) => i < required.length && positions.length === 0)) continue
        const key = reached.join('|')
        if (seen.has(key)) continue
        seen.add(key)
        next.push({ state: reached, text: text + character })
      }
      if (seen.size > MAX_STATES) return { kind: 'too-large' }
    }
    frontier = next
  }
  return { kind: 'none' }
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
  const next: number[] = []
  for (const position of from) {
    const step = steps[position]
    if (step?.kind === 'character' && step.character === character) next.push(position + 1)
    if (step?.kind === 'any' || (step?.kind === 'no-slash' && character !== '/'))
      next.push(position)
  }
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
