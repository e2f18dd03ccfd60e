import * as z from 'zod'
import { type Fields, numberAt, textAt } from '../fields.ts'

/** Turns that are open at once; the oldest is ended above this. */
const MAX_TURNS = 512
/** Model calls of one turn that are under way at once, as far as they are remembered. */
const MAX_CALLS = 64

export const KeptTurn = z.strictObject({
  session: z.string(),
  /** `anthropic:claude-sonnet-5` */
  model: z.string(),
  /** of the model call that it begins with */
  first: z.string(),
  at: z.string(),
  lastAt: z.string(),
  calls: z.number(),
  /** ids of model calls without an outcome, the latest last */
  open: z.array(z.string()),
  /** the last reply has calls of tools, which the next request tells the results of */
  goesOn: z.boolean(),
})
export type Turn = z.infer<typeof KeptTurn>

/** What a leaf is about, and when it was written. */
export type Place = { session: string; id: string; at: string }

/**
 * Turns of sessions, as their leaves tell them: the calls of one model between two inputs. A reply
 * that has calls of tools released is gone on with, by the request that brings their results; the turn
 * ends with the call that has none, or that was refused. Helpers beside the main conversation mostly
 * ask another model, and so have turns of their own.
 *
 * Values are never changed in place: a copy made before stays as it was.
 */
export class Turns {
  #open: ReadonlyMap<string, Turn>

  constructor(open: readonly Turn[] = []) {
    this.#open = new Map(open.map((turn) => [keyOf(turn), turn]))
  }

  list(): Turn[] {
    return [...this.#open.values()]
  }

  copy(): Turns {
    return new Turns(this.list())
  }

  /** A model was asked. @returns the turn it belongs to, and one that had to make room */
  begin({ session, id, at }: Place, leaf: Fields): { turn: Turn; ended: Turn[] } {
    const model = modelOf(leaf, 'action.')
    const known = this.#open.get(keyOf({ session, model }))
    const fresh = { session, model, first: id, at, calls: 0, open: [], goesOn: false }
    const { calls, open, ...rest } = known ?? fresh
    const turn = { ...rest, lastAt: at, calls: calls + 1, open: [...open, id].slice(-MAX_CALLS) }
    this.#set(turn)
    const [oldest] = this.#open.values()
    const ended = this.#open.size > MAX_TURNS && oldest !== undefined ? this.#end([oldest]) : []
    return { turn, ended }
  }

  /** What a call came to: whether its reply is gone on with. */
  tell(session: string, id: string, leaf: Fields): void {
    const turn = this.of(session, id)
    if (turn !== undefined) {
      this.#set({ ...turn, goesOn: (numberAt(leaf, 'calls.released') ?? 0) > 0 })
    }
  }

  /** The call is over. @returns the turn, if it is over with it */
  finish(session: string, id: string, at: string): Turn[] {
    const turn = this.of(session, id)
    if (turn === undefined) return []
    const after = { ...turn, lastAt: at, open: turn.open.filter((one) => one !== id) }
    this.#set(after)
    return after.open.length === 0 && !after.goesOn ? this.#end([after]) : []
  }

  /** The session is over. */
  endSession(session: string): Turn[] {
    return this.#end(this.list().filter((turn) => turn.session === session))
  }

  /** The open turn that a model call belongs to. */
  of(session: string, id: string): Turn | undefined {
    return this.list().find((turn) => turn.session === session && turn.open.includes(id))
  }

  /** The model call that has proposed a call of a tool: the one it names, or the latest of its model. */
  proposerOf(session: string, leaf: Fields): string | undefined {
    const named = textAt(leaf, 'parent')
    if (named !== undefined) return named
    return this.#open.get(keyOf({ session, model: modelOf(leaf, 'action.') }))?.open.at(-1)
  }

  #set(turn: Turn): void {
    this.#open = new Map([...this.#open, [keyOf(turn), turn]])
  }

  #end(turns: readonly Turn[]): Turn[] {
    const gone = new Set(turns.map(keyOf))
    this.#open = new Map([...this.#open].filter(([key]) => !gone.has(key)))
    return [...turns]
  }
}

/** Kept as a span's id is made of it: no action has such an id. */
export function turnId({ first }: Pick<Turn, 'first'>): string {
  return `turn ${first}`
}

function modelOf(leaf: Fields, prefix: string): string {
  return `${textAt(leaf, `${prefix}provider`) ?? ''}:${textAt(leaf, `${prefix}model`) ?? ''}`
}

function keyOf({ session, model }: Pick<Turn, 'session' | 'model'>): string {
  return `${session} ${model}`
}
