/** Where in the openings a text may be, by number. */
export type Places = ReadonlySet<number>

/** The place behind a character with which a call is open. */
export const TRIGGERS = -1

type Step = { takes: RegExp; isMany: boolean }

const one = (takes: RegExp): Step => ({ takes, isMany: false })
const many = (takes: RegExp): Step => ({ takes, isMany: true })
const word = (text: string): Step[] => Array.from(text, (each) => one(spelled(each, 'u')))
const anyCase = (text: string): Step[] => Array.from(text, (each) => one(spelled(each, 'iu')))

function spelled(character: string, flags: string): RegExp {
  return new RegExp(`^\\u{${(character.codePointAt(0) ?? 0).toString(16)}}$`, flags)
}

const NAME = /^[A-Za-z0-9_-]$/
const INDENT = /^[ \t]$/
const SPACE = /^\s$/
const BAR = /^[|｜]$/

const ANY = /^[^]$/

/** What a call in brackets goes on with. */
const BODIES: Step[][] = [word('{'), [...anyCase('<parameter='), one(ANY)]]

/** Of a text that consists of calls; the last step is the one with which a call is open. */
const AT_START: Step[][] = [
  // [name] and a line's end
  ...BODIES.map((body) => [
    ...word('['),
    one(NAME),
    many(NAME),
    ...word(']'),
    many(INDENT),
    one(/^[\r\n]$/),
    many(SPACE),
    ...body,
  ]),
  // [tool:name]
  ...BODIES.map((body) => [
    ...word('[tool:'),
    one(NAME),
    many(NAME),
    ...word(']'),
    many(SPACE),
    ...body,
  ]),
  // <function=name>
  [...anyCase('<function='), one(ANY)],
  // Harmony: commentary to=name code<|message|>{, with <|channel|> in front or without
  ...['', '<|channel|>'].flatMap((before) =>
    ['commentary', 'analysis', 'final'].map((channel) => [
      ...word(before + channel),
      one(INDENT),
      many(INDENT),
      ...word('to='),
      one(ANY),
    ]),
  ),
]

/** DeepSeek's, anywhere: <｜DSML｜tool_calls>… */
const ANYWHERE: Step[][] = [
  [...word('<'), one(BAR), ...word('DSML'), one(BAR)],
  [...word('<'), one(BAR), one(BAR), ...word('DSML'), one(BAR)],
]

/** All openings at once, a step for each character. */
class Openings {
  /** before any character but white space */
  readonly start: Places
  readonly #anywhere: Places
  readonly #steps: (Step | undefined)[] = []

  constructor(atStart: Step[][], anywhere: Step[][]) {
    this.start = new Set(atStart.flatMap((steps) => this.#put([many(SPACE), ...steps])))
    this.#anywhere = new Set(anywhere.flatMap((steps) => this.#put(steps)))
  }

  step(places: Places, character: string): Places {
    const next = new Set<number>()
    for (const from of [places, this.#anywhere]) {
      for (const place of from) {
        const step = this.#steps[place]
        if (step?.takes.test(character) !== true) continue
        for (const reached of this.#reach(step.isMany ? place : place + 1)) next.add(reached)
      }
    }
    return next
  }

  /** Where a text is that is at a place: what may come any number of times may be left out. */
  #reach(place: number): number[] {
    const step = this.#steps[place]
    if (step === undefined) return [TRIGGERS]
    return step.isMany ? [place, ...this.#reach(place + 1)] : [place]
  }

  #put(steps: Step[]): number[] {
    const first = this.#steps.length
    this.#steps.push(...steps, undefined)
    return this.#reach(first)
  }
}

export const OPENING = new Openings(AT_START, ANYWHERE)
