import { init, killThreads, type Z3_context, type Z3_solver } from 'z3-solver'
import { SekishoError } from '../core/error.ts'
import { readModel } from './smt-model.ts'
import { type Detail, type Model, smtText, type Value } from './smt-text.ts'
import type { Term } from './term.ts'

export type Satisfiability =
  | { kind: 'unsatisfiable' }
  | { kind: 'satisfiable'; model: Model }
  /** late, or beyond what z3 can do */
  | { kind: 'unknown'; why: string }

/** Asks whether assertions can all hold. */
export type Ask = (
  assertions: readonly Term[],
  options: { timeoutMs: number; detail: Detail },
) => Promise<Satisfiability>

type Api = Awaited<ReturnType<typeof init>>

type Reply =
  | Exclude<Satisfiability, { kind: 'satisfiable' }>
  | { kind: 'satisfiable'; values: ReadonlyMap<string, Value> }

/** `Z3_lbool` */
const [SATISFIABLE, UNSATISFIABLE] = [1, -1]

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
   * @param start another z3 than the package's, for tests
   */
  static async open(
    onHung: (error: SekishoError) => void = () => undefined,
    start: () => Promise<Api> = init,
  ): Promise<Z3> {
    const api = await start()
    api.Z3.global_param_set('memory_max_size', String(MAX_MEMORY_MB))
    return new Z3(api, onHung)
  }

  /**
   * @throws SekishoError TIMEOUT when z3 hangs; INTERNAL when it does not understand the question
   */
  readonly ask: Ask = async (assertions, { timeoutMs, detail }) => {
    const { script, decode } = smtText(assertions, detail)
    const limitMs = Math.ceil(Math.max(timeoutMs, LEAST_TIMEOUT_MS))
    const answer = await this.#inTurn(script, limitMs)
    if (answer.kind !== 'satisfiable') return answer
    return { kind: 'satisfiable', model: decode(answer.values) }
  }

  /** Ends z3's threads. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#turn.catch(() => undefined)
    await killThreads(this.#api.em)
  }

  #inTurn(script: string, limitMs: number): Promise<Reply> {
    const answer = this.#turn.then(
      () => this.#run(script, limitMs),
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

  async #run(script: string, limitMs: number): Promise<Reply> {
    if (this.#closed) throw new SekishoError('PEER_UNAVAILABLE', 'z3 is closed')
    const { Z3 } = this.#api
    const config = Z3.mk_config()
    const context = Z3.mk_context(config)
    Z3.del_config(config)
    const solver = this.#solver(context, limitMs)
    // Not `eval_smtlib2_string`: its text lies on a stack that is gone when z3's thread reads it.
    Z3.solver_from_string(context, solver, script)
    this.#refuseError(context)
    const interrupt = setTimeout(() => Z3.interrupt(context), limitMs * INTERRUPT_AFTER_FACTOR)
    try {
      const checked = Z3.solver_check(context, solver)
      const verdict = await this.#within(checked, limitMs * HUNG_AFTER_FACTOR)
      const reply = this.#read(verdict, context, solver)
      Z3.del_context(context)
      return reply
    } finally {
      clearTimeout(interrupt)
    }
  }

  #solver(context: Z3_context, limitMs: number): Z3_solver {
    const { Z3 } = this.#api
    const solver = Z3.mk_simple_solver(context)
    Z3.solver_inc_ref(context, solver)
    const params = Z3.mk_params(context)
    Z3.params_inc_ref(context, params)
    Z3.params_set_uint(context, params, Z3.mk_string_symbol(context, 'timeout'), limitMs)
    Z3.solver_set_params(context, solver, params)
    Z3.params_dec_ref(context, params)
    return solver
  }

  #read(verdict: number, context: Z3_context, solver: Z3_solver): Reply {
    const { Z3 } = this.#api
    switch (verdict) {
      case UNSATISFIABLE:
        return { kind: 'unsatisfiable' }
      case SATISFIABLE: {
        const text = Z3.model_to_string(context, Z3.solver_get_model(context, solver))
        const values = readModel(text)
        if (values !== undefined) return { kind: 'satisfiable', values }
        throw new SekishoError('INTERNAL', `z3 found what is not understood: ${text.slice(0, 200)}`)
      }
      default: {
        const why = Z3.solver_get_reason_unknown(context, solver)
        const isLate = why === 'canceled' || why === 'timeout' || why.startsWith('interrupted')
        return { kind: 'unknown', why: isLate ? 'z3 ran out of time' : `z3 gave up: ${why}` }
      }
    }
  }

  #refuseError(context: Z3_context): void {
    const { Z3 } = this.#api
    const code = Z3.get_error_code(context)
    if (code === 0) return
    throw new SekishoError('INTERNAL', `z3 refused a question: ${Z3.get_error_msg(context, code)}`)
  }

  async #within<T>(work: Promise<T>, limitMs: number): Promise<T> {
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
