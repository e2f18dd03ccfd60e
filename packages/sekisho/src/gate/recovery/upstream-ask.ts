import type { Dispatcher } from 'undici'
import type { HttpRequestAction } from '../../core/action.ts'
import type { Pinned } from '../../flow/ports.ts'
import { MAX_BLOB_BYTES } from '../../wire/keyholder.ts'
import { type Fields, fieldBytes } from '../http-fields.ts'
import type { Upstreams } from '../upstream.ts'

/** From the first byte of the request to the last of its reply. */
const ASK_TIMEOUT_MS = 20_000

export type Ask = {
  action: HttpRequestAction
  /** values in place of placeholders */
  fields: Fields
  body: Buffer | null
  pinned: Pinned
  isHttp2: boolean
  /** left out: as long as content that is kept may be, and nobody calls it off */
  bounds?: { maxBytes: number; signal: AbortSignal } | undefined
}

export type Reply =
  | { kind: 'reply'; status: number; fields: Fields; body: Buffer; bytesIn: number }
  /** `why` is for the operator */
  | { kind: 'broken'; why: string; bytesIn: number }

/** A request of the platform's own, its reply whole, bounded in size and time. Never rejects. */
export function askUpstream(
  { action, fields, body, pinned, isHttp2, bounds }: Ask,
  upstreams: Pick<Upstreams, 'dispatcherFor'>,
): Promise<Reply> {
  const { path, query, method } = action
  const target = query === null ? path : `${path}?${query}`
  const asking = new Asking(bounds)
  try {
    upstreams
      .dispatcherFor(action, pinned, isHttp2)
      .dispatch({ path: target, method, headers: fields, body }, asking)
  } catch (thrown) {
    // undici throws on what it will not write
    asking.onResponseError(undefined, thrown instanceof Error ? thrown : new Error(String(thrown)))
  }
  return asking.done
}

class Asking implements Dispatcher.DispatchHandler {
  readonly done: Promise<Reply>
  readonly #settle: (reply: Reply) => void
  readonly #timer: NodeJS.Timeout
  readonly #maxBytes: number
  #letGo: () => void = () => undefined
  readonly #chunks: Buffer[] = []
  #controller: Dispatcher.DispatchController | undefined
  #fields: Fields = []
  #status = 0
  #bytes = 0
  #bytesIn = 0
  #isDone = false

  constructor({ maxBytes, signal }: Partial<NonNullable<Ask['bounds']>> = {}) {
    this.#maxBytes = maxBytes ?? MAX_BLOB_BYTES
    const settled = Promise.withResolvers<Reply>()
    this.done = settled.promise
    this.#settle = settled.resolve
    const late = (): void => this.#giveUp(`no whole reply in ${ASK_TIMEOUT_MS} ms`)
    this.#timer = setTimeout(late, ASK_TIMEOUT_MS)
    const callOff = (): void => this.#giveUp('called off')
    if (signal?.aborted === true) callOff()
    else signal?.addEventListener('abort', callOff)
    this.#letGo = () => signal?.removeEventListener('abort', callOff)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#isDone) controller.abort(new Error('given up'))
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    const raw = textFields(controller.rawHeaders)
    this.#bytesIn += 15 + fieldBytes(raw)
    if (status < 200) return
    this.#status = status
    this.#fields = raw
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length
    this.#bytesIn += chunk.length
    if (this.#bytes > this.#maxBytes) this.#giveUp(`a reply of more than ${this.#maxBytes} bytes`)
    else if (!this.#isDone) this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    const body = Buffer.concat(this.#chunks)
    const status = this.#status
    this.#finish({ kind: 'reply', status, fields: this.#fields, body, bytesIn: this.#bytesIn })
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.#break(`broken off: ${error.message.slice(0, 256)}`)
  }

  #giveUp(why: string): void {
    this.#break(why)
    this.#controller?.abort(new Error(why))
  }

  #break(why: string): void {
    this.#finish({ kind: 'broken', why, bytesIn: this.#bytesIn })
  }

  #finish(reply: Reply): void {
    if (this.#isDone) return
    this.#isDone = true
    clearTimeout(this.#timer)
    this.#letGo()
    this.#chunks.length = 0
    this.#settle(reply)
  }
}

function textFields(raw: Dispatcher.DispatchController['rawHeaders']): Fields {
  if (!Array.isArray(raw)) return []
  return raw.map((part) => (typeof part === 'string' ? part : part.toString('latin1')))
}
