import { inFile, mutationsOf } from './mutation.ts'

const consult = inFile('flow/consult.ts')
const callFilters = inFile('gate/llm/filters/call-filters.ts')
const exchange = inFile('gate/llm/model-exchange.ts')
const sink = inFile('gate/llm/model-sink.ts')
const verdict = inFile('gate/llm/filters/filter-verdict.ts')
const session = inFile('gate/llm/filters/session-filters.ts')
const service = inFile('gate/llm/filters/service-filter.ts')
const post = inFile('gate/llm/filters/filter-post.ts')

export const FILTER_MUTATIONS = mutationsOf(
  'model-filters',
  [
    'filters are asked',
    callFilters('if (!this.#filters.isAskedBefore) return clear', 'return clear'),
  ],
  [
    'what is no call is looked at as well',
    exchange('if (asked === undefined && !this.#hasBody)', 'if (asked === undefined)'),
  ],
  [
    'filters hear nothing of what is denied',
    consult("if (first.verdict.kind === 'deny' || leaving", 'if (leaving'),
  ],
  [
    'what filters have found is decided by again',
    consult(
      "if (said.kind === 'clear' && !isNews(said, clear) && ports",
      "if (said.kind === 'clear' && ports",
    ),
  ],
  [
    'what a filter finds denies',
    verdict('if (denying.length > 0) return', 'if (rules.length > 99) return'),
  ],
  [
    'what nobody has looked at does not pass',
    verdict(
      'return strict.length === 0 ? undefined : deny(',
      'return strict.length < 99 ? undefined : deny(',
    ),
  ],
  [
    'what was refused is asked about again',
    session(
      'if (verdict.refusal === undefined && verdict.hold === undefined) accept()',
      'accept()',
    ),
  ],
  [
    'an answer is read strictly',
    service(
      'if (status !== 200) throw failed(settings, `it answers ${status}`)',
      'if (status !== 200) return []',
    ),
  ],
  [
    'an address is resolved and classified',
    post("if (pinned.kind === 'deny') {", "if (pinned.kind === 'deny' && pinned.reason === '') {"),
  ],
  [
    'a credential is asked for where it is bound',
    post('if (isBound) return', 'if (isBound || bindings.length === 0) return'),
  ],
  [
    'too much text is a failure',
    service('if (parts.length > MAX_QUESTIONS) {', 'if (parts.length > 10_000) {'),
    service('maxParts: MAX_QUESTIONS + 1', 'maxParts: 10_000'),
  ],
  [
    'what a filter finds waits for people',
    verdict('...(hold === undefined ? {} : { hold: joined(clear.hold, hold) }),', ''),
  ],
  [
    'arguments of calls are looked at',
    callFilters(
      'if (!this.#filters.isAskedAfter) return undefined\n    return (call)',
      'if (this.looks.length < 99) return undefined\n    return (call)',
    ),
  ],
  [
    'filters hear nothing of a call of a tool that is denied',
    callFilters(
      'let said: Promise<FiltersSaid> | undefined\n',
      'let said: Promise<FiltersSaid> | undefined = this.#askAboutCall(call)\n',
    ),
  ],
  [
    'a reply is looked at before it passes',
    sink('this.#isWhole = this.#parts.whole?.isWanted() ?? false', 'this.#isWhole = false'),
  ],
  [
    'a reply that is refused is not sent',
    sink(
      'const refused = await this.#parts.whole?.look()',
      'const refused = undefined\n    await this.#parts.whole?.look()',
    ),
  ],
  [
    'a reply that breaks is not sent as far as it came',
    sink(
      'if (this.#isWhole) this.#finishSaying(REFUSED)\n    else this.#finish()',
      'this.#finish()',
    ),
  ],
)
