import { type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { type Answer, type HttpAnswer, readAnswer } from './answer.ts'

/** `https://host[:port]/prefix`, `http://` of this machine, or `unix:/path` of a socket. */
export type WitnessUrl = string

/** Signature lines of a few keys; what is longer is not read. */
const MAX_ANSWER_BYTES = 64 * 1024
const DEFAULT_TIMEOUT_MS = 10_000

export type Post = (
  url: WitnessUrl,
  body: string,
  options?: { timeoutMs?: number },
) => Promise<Answer>

/** One add-checkpoint request; whatever goes wrong on the way is an answer as well. */
export const post: Post = async (url, body, { timeoutMs = DEFAULT_TIMEOUT_MS } = {}) => {
  try {
    const signal = AbortSignal.timeout(timeoutMs)
    const answer = await exchange(url, { method: 'POST', path: '/add-checkpoint', body, signal })
    return readAnswer(answer)
  } catch (thrown) {
    return { kind: 'unreachable', reason: reasonOf(thrown) }
  }
}

/** What a witness shows of a log, for whoever asks; undefined when it shows nothing. */
export async function fetchLatest(
  url: WitnessUrl,
  originHash: string,
  { timeoutMs = DEFAULT_TIMEOUT_MS } = {},
): Promise<string | undefined> {
  try {
    const signal = AbortSignal.timeout(timeoutMs)
    const path = `/${originHash}/checkpoint`
    const { status, body } = await exchange(url, { method: 'GET', path, body: '', signal })
    return status === 200 ? body : undefined
  } catch {
    return undefined // optional in the protocol: a witness without it has said enough before
  }
}

type Exchange = { method: 'GET' | 'POST'; path: string; body: string; signal: AbortSignal }

function exchange(url: WitnessUrl, { method, path, body, signal }: Exchange): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const { start, options } = targetOf(url, path)
    const request = start({
      ...options,
      // a connection of its own: one kept from before is dead when the witness was started anew
      agent: false,
      method,
      signal,
      headers: { 'content-type': 'text/plain; charset=utf-8', host: options.host ?? 'witness' },
    })
    request.on('error', reject)
    request.on('response', (response) => {
      readText(response).then(
        (text) =>
          resolve({
            status: response.statusCode ?? 0,
            type: response.headers['content-type'] ?? '',
            body: text,
          }),
        reject,
      )
    })
    request.end(body)
  })
}

function targetOf(
  url: WitnessUrl,
  path: string,
): { start: typeof requestHttp; options: RequestOptions } {
  if (url.startsWith('unix:')) {
    return { start: requestHttp, options: { socketPath: url.slice('unix:'.length), path } }
  }
  const { protocol, hostname, port, pathname } = new URL(url)
  const isTls = protocol === 'https:'
  return {
    start: isTls ? requestHttps : requestHttp,
    options: {
      // an address of IPv6 stands in brackets in a URL only
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: port === '' ? (isTls ? 443 : 80) : Number(port),
      path: pathname.replace(/\/$/, '') + path,
    },
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response) {
    const part: Buffer = Buffer.from(chunk)
    bytes += part.length
    if (bytes > MAX_ANSWER_BYTES)
      throw new Error(`an answer of more than ${MAX_ANSWER_BYTES} bytes`)
    chunks.push(part)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  if (thrown.name === 'TimeoutError') return 'no answer in time'
  const code = 'code' in thrown ? String(thrown.code) : ''
  return code === '' ? thrown.message : code
}
