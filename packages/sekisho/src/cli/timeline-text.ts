import { holdOf, membersOf, textOf } from '../search/leaf-fields.ts'
import type { StoryEvent } from '../search/story.ts'
import { describeProtection } from './audit-leaf-text.ts'
import { describeAction, describeBody, describeOutcome, more } from './leaf-text.ts'
import { printable } from './terminal.ts'

type Leaf = Readonly<Record<string, unknown>>

/** Programs and holds that later sentences name; the oldest are forgotten. */
const MAX_REMEMBERED = 8192
/** Without a record for so long, the silence is told too. */
const SILENCE_MS = 60_000

/** Tells the events of one session in sentences, each one line that cannot drive a terminal. */
export class TimelineText {
  readonly #programs = new Map<string, string>()
  readonly #heldAtMs = new Map<string, number>()
  readonly #sentences: Readonly<Record<string, (event: StoryEvent) => string>> = {
    'session.start': ({ leaf }) => start(leaf),
    'session.end': (event) => this.#end(event),
    'session.state': ({ leaf }) => `${capital(describeBody(leaf))}${stateOf(leaf)}.`,
    'action.intent': (event) => intent(event),
    'action.held': (event) => this.#held(event),
    'approval.answer': (event) => this.#answer(event),
    'process.exec': ({ leaf }) => this.#exec(leaf),
  }
  #firstMs: number | null = null
  #lastMs: number | null = null

  /** The lines of one event: its sentence, after a line for a new day or a long silence. */
  tell(event: StoryEvent): string[] {
    const { atMs } = event
    const lines = atMs === null ? [] : this.#passage(atMs)
    this.#lastMs = atMs ?? this.#lastMs
    const time = atMs === null ? '??:??:??.???' : isoOf(atMs).slice(11, 23)
    return [...lines, printable(`${time}  ${this.sentence(event)}`)]
  }

  /** Without its time; to be asked once for each event, in their order. */
  sentence(event: StoryEvent): string {
    this.#firstMs ??= event.atMs
    const type = textOf(event.leaf['type']) ?? ''
    const say = Object.hasOwn(this.#sentences, type) ? this.#sentences[type] : undefined
    return say === undefined ? `${capital(describeBody(event.leaf).trim())}.` : say(event)
  }

  #passage(atMs: number): string[] {
    const last = this.#lastMs
    const day = isoOf(atMs).slice(0, 10)
    if (last === null) return [`on ${day}, times in UTC`]
    const silence = atMs - last
    return [
      ...(isoOf(last).startsWith(day) ? [] : [`on ${day}`]),
      ...(silence >= SILENCE_MS
        ? [`              … ${durationText(silence)} without a record`]
        : []),
      ...(silence < 0 ? [`              … the clock goes back ${durationText(-silence)}`] : []),
    ]
  }

  #end({ leaf, atMs }: StoryEvent): string {
    const took =
      atMs === null || this.#firstMs === null ? '' : ` after ${durationText(atMs - this.#firstMs)}`
    return `The session ends${took}: ${text(leaf['reason'])}, exit code ${text(leaf['exitCode'])}${stateOf(leaf)}.`
  }

  #held({ leaf, atMs }: StoryEvent): string {
    if (atMs !== null) remember(this.#heldAtMs, text(leaf['id']), atMs)
    const until = textOf(leaf['expiresAt'])?.slice(11, 19)
    const expiry = until === undefined ? '' : `, until ${until}`
    return `It asks for \`${describeAction(membersOf(leaf['action']))}\` and must wait: ${list(leaf['rules'])} asks ${list(leaf['needs'])}, ${text(leaf['reason'])} (${text(leaf['id'])}${expiry}).`
  }

  #answer({ leaf, atMs }: StoryEvent): string {
    const heldAtMs = this.#heldAtMs.get(holdOf(leaf) ?? '')
    const waited =
      heldAtMs === undefined || atMs === null ? '' : ` after ${durationText(atMs - heldAtMs)}`
    return `Answer${waited}: ${describeBody(leaf)}.`
  }

  #exec(leaf: Leaf): string {
    const path = text(leaf['path'])
    const parent = this.#programs.get(text(leaf['parent']))
    remember(this.#programs, text(leaf['pid']), path)
    const argv = list(leaf['argv'], ' ')
    const words = argv === '' ? path : `${path} as \`${argv}\`${more(leaf['argvOmitted'])}`
    const child = `pid ${text(leaf['pid'])}, child of ${text(leaf['parent'])}${parent === undefined ? '' : ` ${parent}`}`
    const written = leaf['written'] === true ? ', written in this session' : ''
    const of = leaf['action'] === 'session.start' ? '' : `, for ${text(leaf['action'])}`
    const { kind, reason } = membersOf(leaf['verdict'])
    const refused = kind === 'deny' ? `, which is refused: ${text(reason)}` : ''
    return `It runs ${words} (${child}${written}${of})${more(leaf['repeated'])}${refused}.`
  }
}

function start(leaf: Leaf): string {
  const { uid, pid } = membersOf(leaf['initiator'])
  const identity = membersOf(leaf['identity'])
  const as =
    textOf(identity['id']) === undefined
      ? ''
      : ` It acts as ${text(identity['id'])}, key ${text(identity['key'])}, ${describeProtection(identity['protection'])}.`
  return `${capital(describeBody(leaf))}; asked for by uid ${text(uid)} (pid ${text(pid)}), configuration ${text(leaf['configuration'])}${stateOf(leaf)}.${as}`
}

function intent(event: StoryEvent): string {
  const { leaf } = event
  const verdict = membersOf(leaf['verdict'])
  const what = describeAction(membersOf(leaf['action']))
  const used = list(leaf['credentials']) === '' ? '' : ` with ${list(leaf['credentials'])}`
  const count = more(leaf['repeated'])
  const rules = list(verdict['rules'])
  if (verdict['kind'] !== 'allow') {
    return `It asks for \`${what}\`${used}${count} and is refused by ${rules}: ${text(verdict['reason'])}.`
  }
  const hold = textOf(membersOf(leaf['hold'])['id'])
  const approved = hold === undefined ? '' : `, approved as ${hold}`
  return `It asks for \`${what}\`${used}${count}, allowed by ${rules}${approved}; ${outcomeOf(event)}.`
}

function outcomeOf({ outcome }: StoryEvent): string {
  if (outcome === null) return 'what came of it is not told here'
  const { leaf, afterMs } = outcome
  if (leaf['type'] === 'gap') return `GAP: what came of it is not known: ${text(leaf['reason'])}`
  const came = describeOutcome(membersOf(leaf['outcome']))
  return afterMs === null ? came : `${came}, after ${durationText(afterMs)}`
}

/** The hash of the state that a leaf has led to. */
function stateOf(leaf: Leaf): string {
  const { seq, to } = membersOf(leaf['state'])
  return typeof seq === 'number' ? ` [state ${seq}: ${text(to).slice(0, 19)}…]` : ''
}

/** `0.120 s`, `4 min 3 s`, `2 h 5 min`. */
export function durationText(ms: number): string {
  if (ms < 60_000) return `${(ms / 1000).toFixed(3)} s`
  const seconds = Math.floor(ms / 1000)
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString()
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key)
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > MAX_REMEMBERED && oldest !== undefined) map.delete(oldest)
}

function capital(sentence: string): string {
  return `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}`
}

function list(value: unknown, separator = ' and '): string {
  return Array.isArray(value) ? value.map(text).join(separator) : ''
}

function text(value: unknown): string {
  if (typeof value === 'string') return value
  return value === null || value === undefined ? '-' : JSON.stringify(value)
}
