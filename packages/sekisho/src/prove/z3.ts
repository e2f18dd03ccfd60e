import { init, killThreads } from 'z3-solver'
import { SekishoError } from '../core/error.ts'
import { readReply, type Reply } from './smt-reply.ts'
import { type Assignment, type Detail, smtText } from './smt-text.ts'
import type { Term } from './term.ts'

export type Satisfiability =
  | { kind: 'unsatisfiable' }
  | { kind: 'satisfiable'; assignment: Assignment }
  /** late, or beyond what z3 can do */
  | { kind: 'unknown'; why: string }

/** Asks whether assertions can all hold. */
export type Ask = (
  assertions: readonly Term[],
  options: { timeoutMs: number; detail: Detail },
) => Promise<Satisfiability>

type Api = Awaited<ReturnType<typeof init>>

/** z3 checks its own time limit now and then; from here on it is told from outside to stop. */
const INTERRUPT_AFTER_FACTOR = 1.25
/** and from here on it counts as hung */
const HUNG_AFTER_FACTOR = 2
/** the least that a limit is taken for: starting a thread takes some milliseconds by itself */
const LEAST_TIMEOUT_MS = 20
const MAX_MEMORY_MB = 1024

/**
 * z3, as WebAssembly in threads of this process: one question at a time, each in a context of its
 * own and under its time limit. Whoever opens it closes it, or the process does not end.
 */
export class Z3 {
  readonly #api: Api
  readonly #onHung: (error: SekishoError) => void
  #turn: Promise<unknown> = Promise.resolve()
  #closed = false

  private constructor(api: Api, onHung: (error: SekishoError) => void) {
    this.#api = api
    this.#onHung = onHung
  }

  /**
   * @param onHung told when z3 does not stop within twice a limit; its thread cannot be ended from
   * within, so the process should be. Nothing more is answered then.
   */
  static async open(onHung: (error: SekishoError) => void = () => undefined): Promise<Z3> {
    const api = await init()
    api.Z3.global_param_set('memory_max_size', String(MAX_MEMORY_MB))
    return new Z3(api, onHung)
  }

  /**
   * @throws SekishoError TIMEOUT when z3 hangs; INTERNAL when it does not understand the question
   */
  readonly ask: Ask = async (assertions, { timeoutMs, detail }) => {
    const { script, symbols, decode } = smtText(assertions, detail)
    const values = symbols.length === 0 ? '' : `(get-value (${symbols.join(' ')}))`
    const answer = await this.#inTurn(script, Math.max(timeoutMs, LEAST_TIMEOUT_MS), values)
    switch (answer.kind) {
      case 'unsatisfiable':
        return { kind: 'unsatisfiable' }
      case 'satisfiable':
        return { kind: 'satisfiable', assignment: decode(answer.values) }
      case 'unknown':
        return { kind: 'unknown', why: `z3 gave up within ${timeoutMs} ms: ${answer.why}` }
      case 'error':
        throw new SekishoError('INTERNAL', `z3 refused a question: ${answer.message}`)
    }
  }

  /** Ends z3's threads. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#turn.catch(() => undefined)
    await killThreads(this.#api.em)
  }

  #inTurn(script: string, timeoutMs: number, values: string): Promise<Reply> {
    const answer = this.#turn.then(
      () => this.#run(script, timeoutMs, values),
      () => {
        throw new SekishoError('PEER_UNAVAILABLE', 'z3 hangs')
      },
    )
    this.#turn = answer.catch((error: unknown) => {
      if (error instanceof SekishoError && error.code === 'TIMEOUT') throw error
    })
    this.#turn.catch(() => undefined) // the next in turn sees it
    return answer
  }

  async #run(script: string, timeoutMs: number, values: string): Promise<Reply> {
    if (this.#closed) throw new SekishoError('PEER_UNAVAILABLE', 'z3 is closed')
    const { Z3 } = this.#api
    const config = Z3.mk_config()
    const context = Z3.mk_context(config)
    Z3.del_config(config)
    const limit = `(set-option :timeout ${Math.ceil(timeoutMs)})`
    const evaluation = Z3.eval_smtlib2_string(context, `${limit}\n${script}\n(check-sat)`)
    const interrupt = setTimeout(() => Z3.interrupt(context), timeoutMs * INTERRUPT_AFTER_FACTOR)
    try {
      const verdict = await this.#within(evaluation, timeoutMs * HUNG_AFTER_FACTOR)
      clearTimeout(interrupt)
      const isAsked = verdict.trim() === 'sat' && values !== ''
      const more = verdict.trim() === 'unknown' ? '(get-info :reason-unknown)' : ''
      const rest = Z3.eval_smtlib2_string(context, isAsked ? values : more)
      const detail = await this.#within(rest, timeoutMs * HUNG_AFTER_FACTOR)
      Z3.del_context(context)
      return readReply(verdict, detail)
    } finally {
      clearTimeout(interrupt)
    }
  }

  async #within(work: Promise<string>, limitMs: number): Promise<string> {
    const hung = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      const error = new SekishoError('TIMEOUT', `z3 did not stop within ${Math.ceil(limitMs)} ms`)
      this.#onHung(error)
      hung.reject(error)
    }, limitMs)
    try {
      return await Promise.race([work, hung.promise])
    } finally {
      clearTimeout(timer)
    }
  }
}
