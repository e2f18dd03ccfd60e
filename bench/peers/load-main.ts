/**
 * The load client. Node's own modules only and one file, so that it runs inside a sandbox as it
 * does outside. Argument: a `LoadPlan` as JSON. Prints one `LoadReport` as JSON.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import tls from 'node:tls'

export type LoadPlan = {
  /** name in SNI, Host and certificate */
  host: string
  port: number
  path: string
  /** PEM trusted in place of the default roots; null trusts the defaults */
  caFile: string | null
  /** null: plain connect to `host:port`; else where to connect to */
  dial: { address: string; port: number } | null
  /** `dial` is an HTTP proxy that takes CONNECT */
  proxy: boolean
  mode: 'keep-alive' | 'new-connection'
  /** requests in flight at a time */
  concurrency: number
  warmUpMs: number
  durationMs: number
}

export type LoadReport = {
  requests: number
  requestsPerSecond: number
  latencyMs: { min: number; median: number; p99: number }
}

const REPLY_TIMEOUT_MS = 10_000
const MAX_REPLY_BYTES = 1024 * 1024
/** A run with one failure counts for nothing; after this many it ends at once. */
const MAX_FAILURES = 100

type Reply = { status: number; close: boolean }
type Run = {
  plan: LoadPlan
  context: tls.SecureContext
  request: string
  warmUntil: number
  until: number
  latencies: number[]
  failures: string[]
}

async function work(run: Run): Promise<void> {
  let socket: tls.TLSSocket | undefined
  for (let start = performance.now(); start < run.until; start = performance.now()) {
    try {
      socket = await request(run, socket)
      if (start >= run.warmUntil) run.latencies.push(performance.now() - start)
    } catch (error) {
      socket?.destroy()
      socket = undefined
      run.failures.push(String(error))
      if (run.failures.length >= MAX_FAILURES) throw error
    }
  }
  socket?.destroy()
}

/** One request over `kept` or a new connection; returns the connection when it may be used again. */
async function request(run: Run, kept?: tls.TLSSocket): Promise<tls.TLSSocket | undefined> {
  const socket = kept ?? (await open(run))
  try {
    const { status, close } = await exchange(socket, run.request)
    if (status !== 200) throw new Error(`status ${status}`)
    if (!close && run.plan.mode === 'keep-alive') return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
  socket.destroy()
  return undefined
}

async function open({ plan, context }: Run): Promise<tls.TLSSocket> {
  const { host, port, dial } = plan
  const raw = net.connect(dial === null ? { host, port } : { host: dial.address, port: dial.port })
  raw.setNoDelay(true)
  raw.setTimeout(REPLY_TIMEOUT_MS, () => raw.destroy(new Error('timed out')))
  await once(raw, 'connect')
  if (plan.proxy) {
    const target = `${host}:${port}`
    const { status } = await exchange(raw, `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`)
    if (status !== 200) throw new Error(`the proxy answered ${status}`)
  }
  // no session is offered: every connection pays for a whole handshake, as a new client does
  const secure = tls.connect({ socket: raw, servername: host, secureContext: context })
  await once(secure, 'secureConnect')
  return secure
}

/** Writes one request and reads one reply. CONNECT's 200 has no body (RFC 9110 §9.3.6). */
function exchange(socket: net.Socket, request: string): Promise<Reply> {
  return new Promise((resolve, reject) => {
    let held: Buffer = Buffer.alloc(0)
    const settle = (error: Error | undefined, reply?: Reply): void => {
      socket.off('data', read)
      socket.off('error', settle)
      socket.off('close', closed)
      if (reply === undefined) reject(error ?? new Error('closed'))
      else resolve(reply)
    }
    const closed = (): void => settle(new Error('closed before the reply ended'))
    const read = (chunk: Buffer): void => {
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
      if (held.length > MAX_REPLY_BYTES) return settle(new Error('a reply above the limit'))
      const reply = wholeReply(held, request.startsWith('CONNECT '))
      if (reply !== undefined) settle(undefined, reply)
    }
    socket.on('data', read)
    socket.on('error', settle)
    socket.on('close', closed)
    socket.write(request)
  })
}

function wholeReply(bytes: Buffer, isConnect: boolean): Reply | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = bytes.toString('latin1', 0, end)
  const status = Number(head.slice(9, 12))
  const close = /\r\nconnection: *close/i.test(head)
  if (isConnect && status === 200) return { status, close }
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  if (length !== undefined) {
    return bytes.length >= end + 4 + Number(length) ? { status, close } : undefined
  }
  if (!/\r\ntransfer-encoding: *chunked/i.test(head)) throw new Error(`no length: ${head}`)
  return bytes.toString('latin1', bytes.length - 5) === '0\r\n\r\n' ? { status, close } : undefined
}

function report({ plan, latencies }: Run): LoadReport {
  const sorted = Float64Array.from(latencies).toSorted()
  const at = (share: number): number =>
    sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN
  return {
    requests: sorted.length,
    requestsPerSecond: (sorted.length / plan.durationMs) * 1000,
    latencyMs: { min: at(0), median: at(0.5), p99: at(0.99) },
  }
}

async function main(plan: LoadPlan): Promise<void> {
  const ca = plan.caFile === null ? {} : { ca: readFileSync(plan.caFile) }
  const authority = plan.port === 443 ? plan.host : `${plan.host}:${plan.port}`
  const start = performance.now()
  const run: Run = {
    plan,
    context: tls.createSecureContext(ca),
    request: `GET ${plan.path} HTTP/1.1\r\nHost: ${authority}\r\nAccept: */*\r\n\r\n`,
    warmUntil: start + plan.warmUpMs,
    until: start + plan.warmUpMs + plan.durationMs,
    latencies: [],
    failures: [],
  }
  await Promise.all(Array.from({ length: plan.concurrency }, () => work(run)))
  const [first] = run.failures
  if (first !== undefined) throw new Error(`${run.failures.length} requests failed: ${first}`)
  process.stdout.write(`${JSON.stringify(report(run))}\n`)
}

main(JSON.parse(process.argv[2] ?? '')).catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`)
  process.exitCode = 1
})
