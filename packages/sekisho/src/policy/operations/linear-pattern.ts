import type { Read } from '../problem.ts'
import { type PatternNode, parsePattern, PatternFault } from './pattern-syntax.ts'

/** Whether a text has a match somewhere, as JSON Schema's `pattern` asks. */
export type LinearPattern = { source: string; test(text: string): boolean }

/** What a pattern comes to when its repetitions are written out. */
const MAX_STEPS = 512

type Step =
  | { kind: 'character'; node: Extract<PatternNode, { kind: 'set' }>; next: number }
  | { kind: 'split'; to: readonly number[] }
  | { kind: 'start' | 'end'; next: number }
  | { kind: 'match' }

/**
 * Regular expressions that need no going back: literals, classes, groups, `|`, `* + ? {m,n}`, `^`
 * and `$`, by code points. All ways to match are followed side by side, so a test takes at most
 * the length of the text times that of the pattern: no text makes it exponential (CWE-1333).
 */
export function readPattern(source: string): Read<LinearPattern> {
  try {
    const steps = new Program().write(parsePattern(source))
    return { value: { source, test: (text) => run(steps, text) } }
  } catch (error) {
    if (!(error instanceof PatternFault)) throw error
    return { problem: error.message, hint: error.hint }
  }
}

class Program {
  readonly #steps: Step[] = []

  /** @returns steps of which the last is the first to be taken */
  write(pattern: PatternNode): readonly Step[] {
    const match = this.#add({ kind: 'match' })
    const first = this.#write(pattern, match)
    this.#add({ kind: 'split', to: [first] })
    return this.#steps
  }

  /** Written from the end on, so that each step knows the next. @returns the first step */
  #write(node: PatternNode, next: number): number {
    switch (node.kind) {
      case 'set':
        return this.#add({ kind: 'character', node, next })
      case 'start':
      case 'end':
        return this.#add({ kind: node.kind, next })
      case 'sequence':
        return node.parts.reduceRight((after, part) => this.#write(part, after), next)
      case 'either':
        return this.#add({ kind: 'split', to: node.options.map((each) => this.#write(each, next)) })
      case 'repeat':
        return this.#repeat(node, next)
    }
  }

  #repeat({ part, min, max }: Extract<PatternNode, { kind: 'repeat' }>, next: number): number {
    let first = next
    if (max === null) {
      const to = [next]
      first = this.#add({ kind: 'split', to })
      to.push(this.#write(part, first))
    } else {
      for (let more = max - min; more > 0; more -= 1) {
        first = this.#add({ kind: 'split', to: [next, this.#write(part, first)] })
      }
    }
    for (let more = min; more > 0; more -= 1) first = this.#write(part, first)
    return first
  }

  #add(step: Step): number {
    if (this.#steps.length >= MAX_STEPS) {
      throw new PatternFault('the pattern is too large', 'use smaller repetitions')
    }
    this.#steps.push(step)
    return this.#steps.length - 1
  }
}

/** The steps that can be taken at one place of the text, each once. */
class Places {
  readonly #steps: readonly Step[]
  readonly #isIn: Uint8Array
  readonly characters: Extract<Step, { kind: 'character' }>[] = []
  isMatch = false

  constructor(steps: readonly Step[]) {
    this.#steps = steps
    this.#isIn = new Uint8Array(steps.length)
  }

  reach(first: number, at: { isStart: boolean; isEnd: boolean }): void {
    const open = [first]
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      const step = this.#steps[index]
      if (step === undefined || this.#isIn[index] === 1) continue
      this.#isIn[index] = 1
      if (step.kind === 'character') this.characters.push(step)
      else if (step.kind === 'split') open.push(...step.to)
      else if (step.kind === 'match') this.isMatch = true
      else if (step.kind === 'start' ? at.isStart : at.isEnd) open.push(step.next)
    }
  }

  clear(): void {
    this.#isIn.fill(0)
    this.characters.length = 0
  }
}

function run(steps: readonly Step[], text: string): boolean {
  const first = steps.length - 1
  let [here, next] = [new Places(steps), new Places(steps)]
  here.reach(first, { isStart: true, isEnd: text === '' })
  for (let index = 0; index < text.length && !here.isMatch; ) {
    const point = text.codePointAt(index) ?? 0
    index += point > 0xffff ? 2 : 1
    const at = { isStart: false, isEnd: index === text.length }
    next.clear()
    for (const { node, next: to } of here.characters) {
      if (isIn(node, point)) next.reach(to, at)
    }
    next.reach(first, at) // a match may begin anywhere
    ;[here, next] = [next, here]
  }
  return here.isMatch
}

function isIn(
  { ranges, isNegated }: Extract<PatternNode, { kind: 'set' }>,
  point: number,
): boolean {
  return ranges.some(([from, to]) => point >= from && point <= to) !== isNegated
}
