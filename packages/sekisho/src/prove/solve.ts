import { allTrue } from './evaluate.ts'
import { findText } from './find-text.ts'
import { type Language, languageRegExp } from './language.ts'
import type { Assignment, Model, Value } from './smt-text.ts'
import { equal, type Match, matchKey, not, or, string, type Term, variable, walk } from './term.ts'
import type { Ask } from './z3.ts'

export type Solved =
  /** no request at all is so */
  | { kind: 'impossible' }
  | { kind: 'possible'; assignment: Assignment }
  | { kind: 'unknown'; why: string }

export type Clock = () => number

/** Lessons a round; more than a question needs that people write. */
const MAX_ROUNDS = 400

/**
 * Whether assertions can all hold. z3 takes what patterns say of texts for guesses; automata look
 * for texts for which the guesses are right, and where there are none, z3 learns why and is asked
 * again. What is found is checked against the assertions before it is believed.
 */
export async function solve(
  assertions: readonly Term[],
  { ask, timeoutMs, now }: { ask: Ask; timeoutMs: number; now: Clock },
): Promise<Solved> {
  const deadlineMs = now() + timeoutMs
  const lessons: Term[] = []
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const leftMs = deadlineMs - now()
    if (leftMs <= 0) return { kind: 'unknown', why: `not settled within ${timeoutMs} ms` }
    const all = [...assertions, ...lessons]
    const answer = await ask(all, { timeoutMs: leftMs, detail: 'abstract' })
    if (answer.kind === 'unsatisfiable') return { kind: 'impossible' }
    if (answer.kind === 'unknown') return answer
    const texts = chooseTexts(all, answer.model)
    if (texts.kind === 'unknown') return texts
    if (texts.kind === 'chosen') return believe(assertions, texts.assignment)
    lessons.push(...texts.lessons)
  }
  return { kind: 'unknown', why: `not settled in ${MAX_ROUNDS} rounds` }
}

function believe(assertions: readonly Term[], assignment: Assignment): Solved {
  if (allTrue(assertions, assignment)) return { kind: 'possible', assignment }
  return { kind: 'unknown', why: 'what the solver found does not hold when it is checked' }
}

type Chosen =
  | { kind: 'chosen'; assignment: Assignment }
  | { kind: 'lessons'; lessons: readonly Term[] }
  | { kind: 'unknown'; why: string }

/** Guesses about texts that the solver takes for one. */
type TextClass = { names: Set<string>; guesses: Guess[] }
type Guess = { match: Match; isIn: boolean }

/** A text for every variable that stands for one which is no constant. */
function chooseTexts(terms: readonly Term[], model: Model): Chosen {
  const all = walk(terms)
  const constants = new Set(all.flatMap((term) => (term.kind === 'string' ? [term.value] : [])))
  const words = new Map<string, string>()
  const lessons: Term[] = []
  for (const [stand, group] of classesOf(all, model)) {
    const found = chooseText(group, constants, [...words.values()])
    if (found.kind === 'unknown') return found
    if (found.kind === 'found') words.set(stand, found.text)
    else lessons.push(found.lesson)
  }
  if (lessons.length > 0) return { kind: 'lessons', lessons }
  return { kind: 'chosen', assignment: withTexts(model.assignment, words) }
}

type ChosenText =
  | { kind: 'found'; text: string }
  | { kind: 'lesson'; lesson: Term }
  | { kind: 'unknown'; why: string }

/** A text other than all constants, and than those that stand for other variables. */
function chooseText(
  { names, guesses }: TextClass,
  constants: ReadonlySet<string>,
  others: readonly string[],
): ChosenText {
  const taken = [...constants, ...others].filter((text) => fits(text, guesses))
  const found = search(guesses, taken)
  if (found.kind === 'found') return found
  if (found.kind === 'too-large') return { kind: 'unknown', why: 'too many patterns at once' }
  if (taken.some((text) => !constants.has(text))) {
    return { kind: 'unknown', why: 'more texts are needed than patterns leave' }
  }
  return { kind: 'lesson', lesson: lesson(names, smallest(guesses, taken), taken) }
}

function withTexts(from: Assignment, words: ReadonlyMap<string, string>): Assignment {
  const assignment = new Map<string, Value>()
  for (const [name, value] of from) {
    assignment.set(name, typeof value === 'string' ? (words.get(value) ?? value) : value)
  }
  for (const [stand, word] of words) {
    if (stand.startsWith(FREE)) assignment.set(stand.slice(FREE.length), word)
  }
  return assignment
}

const FREE = '\0'

function classesOf(terms: readonly Term[], model: Model): ReadonlyMap<string, TextClass> {
  const classes = new Map<string, TextClass>()
  const seen = new Set<string>()
  for (const match of terms) {
    if (match.kind !== 'match') continue
    const isIn = model.guesses.get(matchKey(match))
    if (isIn === undefined || seen.has(matchKey(match))) continue
    seen.add(matchKey(match))
    const { name } = match.text
    const value = model.assignment.get(name)
    const stand = typeof value === 'string' ? value : `${FREE}${name}`
    if (value !== undefined && !model.stand.has(stand)) continue // a constant, which guesses know
    const own = classes.get(stand) ?? { names: new Set(), guesses: [] }
    classes.set(stand, own)
    own.names.add(name)
    own.guesses.push({ match, isIn })
  }
  return classes
}

function fits(text: string, guesses: readonly Guess[]): boolean {
  return guesses.every(({ match, isIn }) => languageRegExp(match.language).test(text) === isIn)
}

function search(guesses: readonly Guess[], taken: readonly string[]): ReturnType<typeof findText> {
  const languages = (isIn: boolean): Language[] =>
    guesses.filter((guess) => guess.isIn === isIn).map(({ match }) => match.language)
  const excluded = taken.map((text): Language => (text === '' ? [] : [{ kind: 'text', text }]))
  return findText(languages(true), [...languages(false), ...excluded])
}

/** As few of the guesses as still leave no text: the fewer, the more is learnt. */
function smallest(guesses: readonly Guess[], taken: readonly string[]): readonly Guess[] {
  let kept = guesses
  for (const guess of guesses) {
    const fewer = kept.filter((each) => each !== guess)
    if (search(fewer, taken).kind === 'none') kept = fewer
  }
  return kept
}

/** Not all of these guesses are right about one text, unless it is one of these constants. */
function lesson(
  names: ReadonlySet<string>,
  guesses: readonly Guess[],
  constants: readonly string[],
): Term {
  const own = [...new Set(guesses.map(({ match }) => match.text.name))]
  const [first] = own.length > 0 ? own : [...names]
  const text = variable(first ?? '', 'String')
  const differ = own.slice(1).map((name) => not(equal(text, variable(name, 'String'))))
  const wrong = guesses.map(({ match, isIn }) => (isIn ? not(match) : match))
  return or(...wrong, ...differ, ...constants.map((constant) => equal(text, string(constant))))
}
