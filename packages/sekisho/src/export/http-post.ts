import { Agent, request } from 'undici'
import type { SinkEndpoint } from '../wire/exporter.ts'
import { RefusedError, RetryError } from './sink.ts'

const CONNECT_TIMEOUT_MS = 10_000
const REPLY_TIMEOUT_MS = 20_000
/** Of a reply's body; only OTLP's partial success is in it. */
const MAX_REPLY_BYTES = 256 * 1024

/** What a receiver says of the data itself: sent again, it would say so again. */
const REFUSES_DATA: readonly number[] = [400, 413, 415, 422]

/** POSTs to one endpoint over verified TLS. Nothing of its headers or keys is in an error. */
export class HttpPost {
  readonly #headers: Readonly<Record<string, string>>
  readonly #agent: Agent

  constructor({ headers, tls }: SinkEndpoint) {
    this.#headers = headers
    this.#agent = new Agent({
      connections: 1,
      connect: {
        timeout: CONNECT_TIMEOUT_MS,
        ...(tls.ca === null ? {} : { ca: tls.ca }),
        ...(tls.certificate === null ? {} : { cert: tls.certificate }),
        ...(tls.key === null ? {} : { key: tls.key }),
      },
      headersTimeout: REPLY_TIMEOUT_MS,
      bodyTimeout: REPLY_TIMEOUT_MS,
      maxResponseSize: MAX_REPLY_BYTES,
    })
  }

  /**
   * Resolves with the reply's body once the receiver has answered 2xx.
   *
   * @throws RefusedError, RetryError (with the receiver's own Retry-After), errors of the network
   */
  async post(
    url: string,
    { body, type, signal }: { body: string; type: string; signal: AbortSignal },
  ): Promise<string> {
    const reply = await request(url, {
      method: 'POST',
      dispatcher: this.#agent,
      headers: { ...this.#headers, 'content-type': type },
      body,
      signal,
    })
    const { statusCode: status } = reply
    const text = await reply.body.text()
    if (status >= 200 && status < 300) return text
    if (REFUSES_DATA.includes(status)) throw new RefusedError(`HTTP ${status}`)
    const afterMs = retryAfterMs(
      reply.headers['retry-after'],
      Date.parse(String(reply.headers['date'])),
    )
    throw new RetryError(`HTTP ${status}`, afterMs === undefined ? {} : { afterMs })
  }

  close(): Promise<void> {
    return this.#agent.destroy()
  }
}

/**
 * RFC 9110 §10.2.3: seconds, or a date, which is measured by the receiver's own clock.
 *
 * @param dateMs of the reply; NaN where it has none
 */
export function retryAfterMs(
  value: string | string[] | undefined,
  dateMs: number,
): number | undefined {
  if (typeof value !== 'string') return undefined
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000
  const wait = Date.parse(value) - dateMs
  return Number.isNaN(wait) ? undefined : Math.max(0, wait)
}
