import type { Dispatcher } from 'undici'
import type { HttpRequestAction } from '../../core/action.ts'
import type { Pinned } from '../../flow/ports.ts'
import { MAX_BLOB_BYTES } from '../../wire/keyholder.ts'
import { type Fields, fieldBytes, fieldValue } from '../http-fields.ts'
import type { Upstreams } from '../upstream.ts'

/** A resource that takes longer to read is not kept: an agent waits for this. */
const READ_TIMEOUT_MS = 20_000
const MAX_CONTENT_TYPE = 256
const MAX_ETAG = 1024

export type Present = {
  kind: 'present'
  body: Buffer
  contentType: string | null
  /** strong (RFC 9110 §8.8.3), else null: what a weak one stands for may have changed */
  etag: string | null
}
/** What a GET says of a resource now; `absent` is 404 or 410. */
export type ResourceState = Present | { kind: 'absent' }

export type ResourceRead = {
  state: ResourceState | { kind: 'unknown'; why: string }
  /** null where there was no reply */
  status: number | null
  bytesIn: number
}

export type ReadRequest = {
  action: HttpRequestAction & { method: 'GET' }
  /** values in place of placeholders */
  fields: Fields
  pinned: Pinned
  isHttp2: boolean
}

/** Reads a resource whole, bounded in size and time. Never rejects. */
export function readResource(
  { action, fields, pinned, isHttp2 }: ReadRequest,
  upstreams: Pick<Upstreams, 'dispatcherFor'>,
): Promise<ResourceRead> {
  const { path, query, method } = action
  const target = query === null ? path : `${path}?${query}`
  const reading = new Reading()
  try {
    upstreams
      .dispatcherFor(action, pinned, isHttp2)
      .dispatch({ path: target, method, headers: fields, body: null }, reading)
  } catch (thrown) {
    // undici throws on what it will not write
    reading.onResponseError(undefined, thrown instanceof Error ? thrown : new Error(String(thrown)))
  }
  return reading.done
}

/** The ETag of a reply where it is a strong one; else undefined. */
export function strongEtag(fields: readonly string[]): string | undefined {
  const etag = fieldValue(fields, 'etag')?.trim() ?? ''
  return etag.length <= MAX_ETAG && /^"[\x21\x23-\x7e\x80-\xff]*"$/.test(etag) ? etag : undefined
}

class Reading implements Dispatcher.DispatchHandler {
  readonly done: Promise<ResourceRead>
  readonly #settle: (read: ResourceRead) => void
  readonly #timer: NodeJS.Timeout
  readonly #chunks: Buffer[] = []
  #controller: Dispatcher.DispatchController | undefined
  #fields: Fields = []
  #status: number | null = null
  #bytes = 0
  #bytesIn = 0
  #isDone = false

  constructor() {
    const settled = Promise.withResolvers<ResourceRead>()
    this.done = settled.promise
    this.#settle = settled.resolve
    this.#timer = setTimeout(
      () => this.#giveUp(`it was not read in ${READ_TIMEOUT_MS} ms`),
      READ_TIMEOUT_MS,
    )
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
    const problem = problemOf(status, raw)
    if (problem !== undefined) this.#giveUp(problem)
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length
    this.#bytesIn += chunk.length
    if (this.#bytes > MAX_BLOB_BYTES) this.#giveUp(`it is longer than ${MAX_BLOB_BYTES} bytes`)
    else if (!this.#isDone) this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    const body = Buffer.concat(this.#chunks)
    const contentType = fieldValue(this.#fields, 'content-type') ?? null
    const etag = strongEtag(this.#fields) ?? null
    this.#finish(
      isAbsent(this.#status) ? { kind: 'absent' } : { kind: 'present', body, contentType, etag },
    )
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.#finish({ kind: 'unknown', why: `it could not be read: ${error.message.slice(0, 256)}` })
  }

  #giveUp(why: string): void {
    this.#finish({ kind: 'unknown', why })
    this.#controller?.abort(new Error(why))
  }

  #finish(state: ResourceRead['state']): void {
    if (this.#isDone) return
    this.#isDone = true
    clearTimeout(this.#timer)
    this.#chunks.length = 0
    this.#settle({ state, status: this.#status, bytesIn: this.#bytesIn })
  }
}

/** Why a reply does not say what the resource is. */
function problemOf(status: number, fields: Fields): string | undefined {
  if (isAbsent(status)) return undefined
  if (status !== 200) return `the server answers a GET with ${status}`
  const coding = fieldValue(fields, 'content-encoding')?.trim().toLowerCase() ?? 'identity'
  if (coding !== 'identity' && coding !== '') return 'the server encodes it although asked not to'
  const contentType = fieldValue(fields, 'content-type') ?? ''
  if (contentType.length > MAX_CONTENT_TYPE) return 'its content type is too long'
  return undefined
}

function isAbsent(status: number | null): boolean {
  return status === 404 || status === 410
}

function textFields(raw: Dispatcher.DispatchController['rawHeaders']): Fields {
  if (!Array.isArray(raw)) return []
  return raw.map((part) => (typeof part === 'string' ? part : part.toString('latin1')))
}
