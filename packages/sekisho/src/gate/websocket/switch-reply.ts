import type { Socket } from 'node:net'
import { SekishoError } from '../../core/error.ts'
import { readReplyHead } from '../reply-head.ts'

const TIMEOUT_MS = 30_000
const MAX_HEAD_BYTES = 64 * 1024
/** What of the reply goes on to the agent; the rest says nothing about a WebSocket. */
const PASSED: ReadonlySet<string> = new Set(['sec-websocket-protocol', 'set-cookie', 'location'])

export type Switched = {
  status: number
  /** the reply's head as lines, without the empty one at its end */
  reply: string[]
  /** what came behind the head */
  rest: Buffer
  /** taken off the wire for the head */
  bytes: number
}

/**
 * Reads the reply to a handshake (RFC 6455 §4.1). One that does not switch is passed on as its
 * status and nothing more.
 *
 * @param accept what the upstream has to prove that it has read the key
 * @throws SekishoError UPSTREAM_FAILED, TIMEOUT
 */
export async function readSwitch(upstream: Socket, accept: string): Promise<Switched> {
  const { lines, rest, bytes } = await readReplyHead(upstream, {
    from: 'the upstream of a WebSocket',
    maxBytes: MAX_HEAD_BYTES,
    timeoutMs: TIMEOUT_MS,
  })
  const [line = '', ...fields] = lines
  const [, digits] = /^HTTP\/1\.1 (\d{3})(?: |$)/.exec(line) ?? []
  if (digits === undefined) throw broken(`its reply begins ${line.slice(0, 64)}`)
  const status = Number(digits)
  if (status !== 101) return { status, reply: refusal(status), rest, bytes }
  const valueOf = (name: string): string[] =>
    fields.filter((field) => nameOf(field) === name).map((field) => valueIn(field))
  if (valueOf('sec-websocket-accept').join() !== accept) throw broken('it did not read the key')
  if (valueOf('upgrade').join().toLowerCase() !== 'websocket') throw broken('it switches elsewhere')
  if (valueOf('sec-websocket-extensions').length > 0) throw broken('it uses an extension')
  const passed = fields.filter((field) => PASSED.has(nameOf(field)))
  const own = ['Connection: Upgrade', 'Upgrade: websocket', `Sec-WebSocket-Accept: ${accept}`]
  return { status, reply: ['HTTP/1.1 101 Switching Protocols', ...own, ...passed], rest, bytes }
}

function refusal(status: number): string[] {
  const passed = status >= 400 && status < 600 ? status : 502
  return [`HTTP/1.1 ${passed} Not a WebSocket`, 'Content-Length: 0', 'Connection: close']
}

const nameOf = (field: string): string => field.slice(0, field.indexOf(':')).toLowerCase()
const valueIn = (field: string): string => field.slice(field.indexOf(':') + 1).trim()

function broken(why: string): SekishoError {
  return new SekishoError('UPSTREAM_FAILED', `no WebSocket: ${why}`)
}
