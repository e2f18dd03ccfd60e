/** A conversation begins anew after so many turns, so that bodies stay about as long as asked for. */
const TURNS = 10
const TURN_BYTES = 500
const SMALL_BYTES = 1000

const WORDS =
  'the agent reads a file and looks for what calls this function before it changes any line because tests that fail after a change say more than a plan does so run them first then report which of them passed and what is left to do in the module that holds it'.split(
    ' ',
  )

/** The same texts in every run (an LCG of Numerical Recipes). */
class Prose {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  word(): string {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0
    return WORDS[this.#state % WORDS.length] ?? ''
  }

  text(bytes: number): string {
    let text = ''
    while (text.length < bytes) text += `${this.word()} `
    return text.slice(0, bytes)
  }

  /** Paragraphs, as prompts have them. */
  paragraphs(bytes: number): string {
    let text = ''
    while (text.length < bytes)
      text += `## ${this.text(24)}\n- "${this.word()}": ${this.text(180)}\n`
    return text.slice(0, bytes)
  }
}

/**
 * What a client says over the turns of one task. Instructions and tools are always the same and stand
 * behind the messages, as in what Claude Code, Gemini CLI and opencode send; Codex has them in front.
 */
export class Conversation {
  readonly #prefix: Buffer
  readonly #suffix: Buffer
  readonly #prose: Prose
  readonly #isSmall: boolean
  #messages: string[] = []
  #count = 0

  constructor(plan: { bodyBytes: number; stream: boolean }, worker: number) {
    this.#isSmall = plan.bodyBytes < SMALL_BYTES
    this.#prose = new Prose(worker + 1)
    const head = { model: 'claude-opus-4-5', max_tokens: 1024 }
    const fixed = plan.bodyBytes - (TURNS / 2) * TURN_BYTES
    const closing = { ...(this.#isSmall ? {} : instructions(fixed)), stream: plan.stream }
    this.#prefix = Buffer.from(`${JSON.stringify(head).slice(0, -1)},"messages":[`)
    this.#suffix = Buffer.from(`],${JSON.stringify(closing).slice(1)}`)
  }

  next(): Buffer {
    this.#count++
    if (this.#isSmall) return this.#whole([this.#small()])
    if (this.#messages.length >= 2 * TURNS) this.#messages = []
    const said = (role: string, bytes: number): string => {
      const text = `${this.#count}: ${this.#prose.text(bytes)}`
      return JSON.stringify({ role, content: [{ type: 'text', text }] })
    }
    if (this.#messages.length > 0) this.#messages.push(said('assistant', TURN_BYTES / 2))
    this.#messages.push(said('user', this.#messages.length === 0 ? TURN_BYTES : TURN_BYTES / 2))
    return this.#whole(this.#messages)
  }

  #small(): string {
    return JSON.stringify({ role: 'user', content: `${this.#count}: ${this.#prose.text(64)}` })
  }

  #whole(messages: readonly string[]): Buffer {
    return Buffer.concat([this.#prefix, Buffer.from(messages.join(',')), this.#suffix])
  }
}

function instructions(bytes: number): object {
  const prose = new Prose(0)
  const tool = (index: number): object => ({
    name: `Tool${index}`,
    description: prose.paragraphs(Math.round(bytes / 20) - 330),
    input_schema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: {
        command: { type: 'string', description: prose.text(60) },
        path: { type: 'string', description: prose.text(40) },
      },
      required: ['command'],
      additionalProperties: false,
    },
  })
  return {
    system: [0.06, 0.12, 0.18].map((share) => ({
      type: 'text',
      text: prose.paragraphs(Math.round(bytes * share)),
    })),
    tools: Array.from({ length: 12 }, (_, index) => tool(index)),
  }
}
