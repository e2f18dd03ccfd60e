/**
 * The load client for model calls. Node's own modules and this directory alone, so that it runs inside
 * a sandbox as it does outside. Argument: an `LlmLoadPlan` as JSON. Prints `counting` when its warm-up
 * is over, and one `LlmLoadReport` when it has counted.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import tls from 'node:tls'
import { Conversation } from './conversation.ts'

export type LlmLoadPlan = {
  /** name in Host, SNI and certificate */
  host: string
  port: number
  /** null: `host` is resolved; else the address to connect to */
  dial: { address: string; port: number } | null
  tls: boolean
  /** PEM trusted in place of the default roots; null trusts the defaults */
  caFile: string | null
  path: string
  headers: Readonly<Record<string, string>>
  /** variable that holds the key, sent as x-api-key; null sends a made-up one */
  keyVariable: string | null
  /** of a request, about */
  bodyBytes: number
  /** `turns`: each request is the last one and a message more. `same`: always the same bytes. */
  content: 'turns' | 'same'
  stream: boolean
  /** requests in flight at a time */
  concurrency: number
  warmUpMs: number
  durationMs: number
}

export type LlmLoadReport = {
  requests: number
  requestsPerSecond: number
  /** from the request's first byte to the first byte of the reply's body */
  firstByteMs: { min: number; median: number; p99: number }
  /** to the reply's last byte */
  wholeMs: { min: number; median: number; p99: number }
}

const REPLY_TIMEOUT_MS = 20_000
const MAX_REPLY_BYTES = 4 * 1024 * 1024
const MAX_FAILURES = 20

type Times = { firstByte: number; whole: number }
type Run = {
  plan: LlmLoadPlan
  context: tls.SecureContext
  head: string
  warmUntil: number
  until: number
  times: Times[]
  failures: string[]
}

async function work(run: Run, worker: number): Promise<void> {
  const conversation = new Conversation(run.plan, worker)
  const same = conversation.next()
  let socket: net.Socket | undefined
  for (let start = performance.now(); start < run.until; start = performance.now()) {
    try {
      const body = run.plan.content === 'same' ? same : conversation.next()
      socket ??= await open(run)
      const reply = await exchange(socket, run, body)
      if (reply.startedAt >= run.warmUntil) run.times.push(reply)
      if (reply.isLast) {
        socket.destroy()
        socket = undefined
      }
    } catch (error) {
      socket?.destroy()
      socket = undefined
      run.failures.push(String(error))
      if (run.failures.length >= MAX_FAILURES) throw error
    }
  }
  socket?.destroy()
}

async function open({ plan, context }: Run): Promise<net.Socket> {
  const { host, port, dial } = plan
  const raw = net.connect(dial === null ? { host, port } : { host: dial.address, port: dial.port })
  raw.setNoDelay(true)
  raw.setTimeout(REPLY_TIMEOUT_MS, () => raw.destroy(new Error('timed out')))
  await once(raw, 'connect')
  if (!plan.tls) return raw
  const secure = tls.connect({ socket: raw, servername: host, secureContext: context })
  await once(secure, 'secureConnect')
  return secure
}

type Exchanged = Times & { startedAt: number; isLast: boolean }

/** Writes one request and reads its reply to the end. */
function exchange(socket: net.Socket, run: Run, body: Buffer): Promise<Exchanged> {
  const startedAt = performance.now()
  return new Promise((resolve, reject) => {
    const reading = new ReplyReading(run.plan.stream)
    const settle = (error: Error | undefined): void => {
      socket.off('data', read)
      socket.off('error', settle)
      socket.off('close', closed)
      if (error !== undefined) return reject(error)
      const firstByte = reading.firstByteAt - startedAt
      const whole = performance.now() - startedAt
      resolve({ startedAt, firstByte, whole, isLast: reading.isLast })
    }
    const closed = (): void => settle(new Error('closed before the reply ended'))
    const read = (chunk: Buffer): void => {
      try {
        if (reading.push(chunk)) settle(undefined)
      } catch (error) {
        settle(error instanceof Error ? error : new Error(String(error)))
      }
    }
    socket.on('data', read)
    socket.on('error', settle)
    socket.on('close', closed)
    socket.cork()
    socket.write(`${run.head}content-length: ${body.length}\r\n\r\n`)
    socket.write(body)
    socket.uncork()
  })
}

/** HTTP/1.1 as far as these servers speak it: a length, or chunks to the last one. */
class ReplyReading {
  firstByteAt = Number.NaN
  isLast = false
  #head: Buffer | undefined = Buffer.alloc(0)
  #left: number | undefined
  #bytes = 0
  #tail = ''
  readonly #isStream: boolean

  constructor(isStream: boolean) {
    this.#isStream = isStream
  }

  /** True when the reply is whole. */
  push(chunk: Buffer): boolean {
    this.#bytes += chunk.length
    if (this.#bytes > MAX_REPLY_BYTES) throw new Error('a reply above the limit')
    const body = this.#head === undefined ? chunk : this.#readHead(chunk)
    if (body === undefined || body.length === 0) return this.#left === 0
    if (Number.isNaN(this.firstByteAt)) this.firstByteAt = performance.now()
    if (this.#left === undefined) {
      this.#tail = (this.#tail + body.toString('latin1', Math.max(0, body.length - 8))).slice(-7)
      return this.#tail.endsWith('\r\n0\r\n\r\n')
    }
    this.#left -= body.length
    return this.#left <= 0
  }

  #readHead(chunk: Buffer): Buffer | undefined {
    const held = Buffer.concat([this.#head ?? Buffer.alloc(0), chunk])
    const end = held.indexOf('\r\n\r\n')
    this.#head = end < 0 ? held : undefined
    if (end < 0) return undefined
    const head = held.toString('latin1', 0, end)
    if (head.slice(9, 12) !== '200') throw new Error(held.toString('latin1', 0, 600))
    if (/\r\ncontent-type: *text\/event-stream/i.test(head) !== this.#isStream) {
      throw new Error(`not what was asked for: ${head}`)
    }
    this.isLast = /\r\nconnection: *close/i.test(head)
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
    if (length !== undefined) this.#left = Number(length)
    else if (!/\r\ntransfer-encoding: *chunked/i.test(head)) throw new Error(`no length: ${head}`)
    return held.subarray(end + 4)
  }
}

function spread(values: readonly number[]): { min: number; median: number; p99: number } {
  const sorted = Float64Array.from(values).toSorted()
  const at = (share: number): number =>
    sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN
  return { min: at(0), median: at(0.5), p99: at(0.99) }
}

function headOf(plan: LlmLoadPlan): string {
  const usual = plan.port === (plan.tls ? 443 : 80)
  const key = plan.keyVariable === null ? 'sk-made-up' : (process.env[plan.keyVariable] ?? '')
  const fields = {
    host: usual ? plan.host : `${plan.host}:${plan.port}`,
    accept: 'application/json',
    'content-type': 'application/json',
    'anthropic-version': '2023-06-01',
    'x-api-key': key,
    ...plan.headers,
  }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  return `POST ${plan.path} HTTP/1.1\r\n${lines.join('')}`
}

async function main(plan: LlmLoadPlan): Promise<void> {
  const ca = plan.caFile === null ? {} : { ca: readFileSync(plan.caFile) }
  const start = performance.now()
  const run: Run = {
    plan,
    context: tls.createSecureContext(ca),
    head: headOf(plan),
    warmUntil: start + plan.warmUpMs,
    until: start + plan.warmUpMs + plan.durationMs,
    times: [],
    failures: [],
  }
  setTimeout(() => process.stdout.write('counting\n'), plan.warmUpMs)
  await Promise.all(Array.from({ length: plan.concurrency }, (_, worker) => work(run, worker)))
  const [first] = run.failures
  if (first !== undefined) throw new Error(`${run.failures.length} requests failed: ${first}`)
  const report: LlmLoadReport = {
    requests: run.times.length,
    requestsPerSecond: (run.times.length / plan.durationMs) * 1000,
    firstByteMs: spread(run.times.map(({ firstByte }) => firstByte)),
    wholeMs: spread(run.times.map(({ whole }) => whole)),
  }
  process.stdout.write(`${JSON.stringify(report)}\n`)
}

main(JSON.parse(process.argv[2] ?? '')).catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`)
  process.exitCode = 1
})
