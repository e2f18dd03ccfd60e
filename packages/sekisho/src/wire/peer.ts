import { ERRORS, type ErrorCode, SekishoError, toSekishoError } from '../core/error.ts'

/** What this file needs of a schema; every zod type is one. */
export type Shape<T = unknown> = {
  safeParse(
    value: unknown,
  ): { success: true; data: T } | { success: false; error: { message: string } }
}
type DataOf<S extends Shape> = Extract<ReturnType<S['safeParse']>, { success: true }>['data']

/** One direction of a protocol: method name to the schemas of its parameters and result. */
export type Protocol = Readonly<Record<string, { params: Shape; result: Shape }>>

/** A passed descriptor: what `process.send` hands over beside a message. */
export type Handle = unknown

/** Ordered, message-preserving, closes once. `onMessage` gets data that is not validated yet. */
export type Transport = {
  /** @param mayWaitMs how long the message may be held back for another to leave with; 0 if absent */
  send(message: unknown, handle?: Handle, mayWaitMs?: number): void
  onMessage(receive: (message: unknown, handle: Handle) => void): void
  onClose(closed: (cause: Error | undefined) => void): void
  close(): void
}

type ParamsOf<P extends Protocol, M extends keyof P> = DataOf<P[M]['params']>
type ResultOf<P extends Protocol, M extends keyof P> = DataOf<P[M]['result']>

export type Handlers<P extends Protocol> = {
  [M in keyof P]: (
    params: ParamsOf<P, M>,
    handle: Handle,
  ) => Promise<ResultOf<P, M>> | ResultOf<P, M>
}

type CallOptions = { handle?: Handle; timeoutMs?: number; mayWaitMs?: number }

type Pending = {
  method: string
  resolve: (value: unknown) => void
  reject: (error: SekishoError) => void
  timeoutMs: number
  /** as `performance.now()` counts; Infinity for one that may take for ever */
  deadlineMs: number
}

/** Calls in flight above this are refused: a peer that stops answering must not fill memory. */
const MAX_IN_FLIGHT = 4096
const DEFAULT_TIMEOUT_MS = 10_000
/** Timers count whole milliseconds: one may fire by so much before the time that it was set for. */
const CLOCK_STEP_MS = 1

/**
 * Requests and replies over a transport, both ways, each validated by schema on arrival.
 *
 * A message that breaks the protocol closes the transport: a peer that speaks wrongly is not
 * trusted with a second message. Every pending call then rejects with PEER_UNAVAILABLE.
 */
export class Peer<Out extends Protocol, In extends Protocol = Record<never, never>> {
  readonly name: string
  readonly #transport: Transport
  readonly #out: Out
  readonly #in: In
  readonly #handlers: Handlers<In>
  readonly #pending = new Map<number, Pending>()
  readonly #closeListeners: ((cause: Error | undefined) => void)[] = []
  #nextId = 1
  /** one for all that wait: nearly every call is answered long before its time, and none has its own */
  #timer: NodeJS.Timeout | undefined
  /** when it fires: no call's deadline is before that */
  #sweepAtMs = Infinity
  #closed: Error | true | undefined

  constructor(
    name: string,
    transport: Transport,
    protocol: { out: Out; in: In; handlers: Handlers<In> },
  ) {
    this.name = name
    this.#transport = transport
    this.#out = protocol.out
    this.#in = protocol.in
    this.#handlers = protocol.handlers
    transport.onMessage((message, handle) => this.#receive(message, handle))
    transport.onClose((cause) => this.#shut(cause))
  }

  get closed(): boolean {
    return this.#closed !== undefined
  }

  onClose(listener: (cause: Error | undefined) => void): void {
    this.#closeListeners.push(listener)
  }

  close(): void {
    this.#transport.close()
    this.#shut(undefined)
  }

  /**
   * @param timeoutMs Infinity for a call that ends when something outside ends
   * @param mayWaitMs how long the call may be held back for another to leave with
   * @throws SekishoError PEER_UNAVAILABLE, TIMEOUT, PROTOCOL_VIOLATION or what the peer answered
   */
  call<M extends keyof Out & string>(
    method: M,
    params: ParamsOf<Out, M>,
    { handle, timeoutMs = DEFAULT_TIMEOUT_MS, mayWaitMs = 0 }: CallOptions = {},
  ): Promise<ResultOf<Out, M>> {
    return new Promise<unknown>((resolve, reject) => {
      if (this.#closed !== undefined) return reject(this.#unavailable())
      if (this.#pending.size >= MAX_IN_FLIGHT) {
        return reject(
          new SekishoError('PEER_UNAVAILABLE', `${this.name}: too many calls in flight`),
        )
      }
      const id = this.#nextId++
      const deadlineMs = performance.now() + timeoutMs
      this.#pending.set(id, { method, resolve, reject, timeoutMs, deadlineMs })
      this.#watch(deadlineMs)
      this.#transport.send({ id, method, params }, handle, mayWaitMs)
    }) as Promise<ResultOf<Out, M>>
  }

  /** Looks again by then, unless it does sooner anyway. What is called on keeps the process alive. */
  #watch(deadlineMs: number): void {
    if (deadlineMs >= this.#sweepAtMs) return
    clearTimeout(this.#timer)
    this.#sweepAtMs = deadlineMs
    this.#timer = setTimeout(() => this.#sweep(), deadlineMs - performance.now()).unref()
  }

  #sweep(): void {
    const nowMs = performance.now() + CLOCK_STEP_MS
    let nextMs = Infinity
    for (const [id, { method, reject, timeoutMs, deadlineMs }] of this.#pending) {
      if (deadlineMs > nowMs) {
        nextMs = Math.min(nextMs, deadlineMs)
        continue
      }
      this.#pending.delete(id)
      const message = `${this.name}: no answer to ${method} in ${timeoutMs} ms`
      reject(new SekishoError('TIMEOUT', message))
    }
    this.#sweepAtMs = Infinity
    this.#watch(nextMs)
  }

  #receive(message: unknown, handle: Handle): void {
    if (typeof message !== 'object' || message === null || !('id' in message)) {
      return this.#violate('a message without an id')
    }
    const { id } = message
    if (typeof id !== 'number') return this.#violate('an id that is no number')
    if ('method' in message) {
      void this.#serve(id, message, handle)
      return
    }
    this.#settle(id, message)
  }

  #settle(id: number, message: object): void {
    const pending = this.#pending.get(id)
    if (pending === undefined) return // answered after its time-out
    this.#pending.delete(id)
    if ('error' in message) return pending.reject(errorFromWire(this.name, message.error))
    const parsed = this.#out[pending.method]?.result.safeParse(
      'result' in message ? message.result : undefined,
    )
    if (parsed?.success === true) return pending.resolve(parsed.data)
    pending.reject(
      new SekishoError('PROTOCOL_VIOLATION', `${this.name}: bad reply to ${pending.method}`, {
        cause: parsed?.error,
      }),
    )
    this.#violate(`a bad reply to ${pending.method}`)
  }

  async #serve(id: number, message: { method: unknown }, handle: Handle): Promise<void> {
    const method = String(message.method)
    const shape = Object.hasOwn(this.#in, method) ? this.#in[method] : undefined
    const handler = Object.hasOwn(this.#handlers, method) ? this.#handlers[method] : undefined
    if (shape === undefined || handler === undefined) return this.#violate(`method ${method}`)
    const params = shape.params.safeParse('params' in message ? message.params : undefined)
    if (!params.success) {
      return this.#violate(`bad parameters of ${method}: ${params.error.message}`)
    }
    try {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- parsed by this method's schema
      const result = await handler(params.data as never, handle)
      this.#transport.send({ id, result })
    } catch (thrown) {
      this.#transport.send({ id, error: errorToWire(thrown) })
    }
  }

  #violate(what: string): void {
    this.#transport.close()
    this.#shut(new SekishoError('PROTOCOL_VIOLATION', `${this.name} sent ${what}`))
  }

  #shut(cause: Error | undefined): void {
    if (this.#closed !== undefined) return
    this.#closed = cause ?? true
    clearTimeout(this.#timer)
    for (const pending of this.#pending.values()) pending.reject(this.#unavailable())
    this.#pending.clear()
    for (const listener of this.#closeListeners) listener(cause)
  }

  #unavailable(): SekishoError {
    const cause = this.#closed instanceof Error ? this.#closed : undefined
    return new SekishoError('PEER_UNAVAILABLE', `${this.name} is not there`, { cause })
  }
}

/** What of it the other side may know: never its cause. */
export function errorToWire(thrown: unknown): {
  code: ErrorCode
  message: string
  hint: string | null
} {
  const { code, message, hint = null } = toSekishoError(thrown)
  return { code, message, hint }
}

/** @param name of who says so */
export function errorFromWire(name: string, error: unknown): SekishoError {
  if (typeof error !== 'object' || error === null) {
    return new SekishoError('PROTOCOL_VIOLATION', `${name}: an error without a shape`)
  }
  const code: unknown = Reflect.get(error, 'code')
  const message: unknown = Reflect.get(error, 'message')
  const hint: unknown = Reflect.get(error, 'hint')
  return new SekishoError(
    isErrorCode(code) ? code : 'INTERNAL',
    typeof message === 'string' ? message : 'no message',
    { hint: typeof hint === 'string' ? hint : undefined },
  )
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERRORS, code)
}
