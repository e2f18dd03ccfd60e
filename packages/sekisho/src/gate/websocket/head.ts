import { withoutFields } from '../http-fields.ts'
import { type HeadRead, type RawHead, type Route, readHead, refuseHead } from '../http-head.ts'

/** Spoken about the connection, and answered for anew towards the upstream. */
const HANDSHAKE: ReadonlySet<string> = new Set([
  'connection',
  'upgrade',
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-extensions',
])

/** RFC 6455 §4.1: 16 random bytes in base64 */
const KEY = /^[A-Za-z0-9+/]{22}==$/

/** Whether a head asks for a WebSocket; how well it asks is for {@link readWebSocketHead}. */
export function asksForWebSocket(rawHeaders: readonly string[]): boolean {
  return valuesOf(rawHeaders, 'upgrade').some((value) => value.trim().toLowerCase() === 'websocket')
}

/**
 * The canonical action of a request for a WebSocket (RFC 6455 §4.2.1): a request as any other, and
 * a handshake that leaves no two readings.
 */
export function readWebSocketHead(head: RawHead, route: Route): HeadRead {
  const problem = handshakeProblem(head)
  if (problem !== undefined) {
    const [message, status] = problem
    return refuseHead(head, route, { rule: 'invariant.upgrade', message, status })
  }
  const read = readHead({ ...head, rawHeaders: requestFields(head.rawHeaders) }, route)
  if (read.kind === 'refused') return read
  return { ...read, action: { ...read.action, upgrade: 'websocket' } }
}

/** What of the head is not the handshake's own. Extensions are not offered on: none is understood. */
export function requestFields(raw: readonly string[]): string[] {
  return withoutFields(raw, HANDSHAKE)
}

export function keyOf(raw: readonly string[]): string {
  return valuesOf(raw, 'sec-websocket-key')[0] ?? ''
}

function handshakeProblem({ method, rawHeaders }: RawHead): [string, number] | undefined {
  if (method !== 'GET') return [`a WebSocket by ${method.slice(0, 32)}`, 400]
  const [upgrade, ...more] = valuesOf(rawHeaders, 'upgrade')
  if (more.length > 0 || upgrade?.toLowerCase() !== 'websocket')
    return ['more than one upgrade', 400]
  const options = valuesOf(rawHeaders, 'connection').join(',').toLowerCase().split(',')
  if (!options.some((option) => option.trim() === 'upgrade')) return ['no connection option', 400]
  const versions = valuesOf(rawHeaders, 'sec-websocket-version')
  if (versions.join() !== '13') return [`version ${versions.join().slice(0, 32)}`, 400]
  const keys = valuesOf(rawHeaders, 'sec-websocket-key')
  return keys.length === 1 && KEY.test(keys[0] ?? '') ? undefined : ['the key', 400]
}

function valuesOf(raw: readonly string[], name: string): string[] {
  return raw.filter((_, index) => index % 2 === 1 && raw[index - 1]?.toLowerCase() === name)
}
