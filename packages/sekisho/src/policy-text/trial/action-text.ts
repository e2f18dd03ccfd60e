import type { Action, HttpRequestAction, NetConnectAction } from '../../core/action.ts'
import { canonicalHost } from '../../core/host.ts'
import { canonicalPath, canonicalQuery } from '../../core/url-path.ts'
import { printable, type Read } from '../../policy/problem.ts'

const HINT = 'write `GET https://host/path`, `connect tcp://host:5432` or `resolve host`'

/** An action in a line, as tests and `sekisho policy try` have it. */
export function readActionText(text: string): Read<Action> {
  const [, verb = '', target = ''] = /^(\S+) (\S+)$/.exec(text) ?? []
  if (verb === 'resolve') return readName(target)
  if (verb === 'connect') return readConnect(target)
  if (/^[A-Z]{3,32}$/.test(verb)) return readRequest(verb, target)
  return { problem: `\`${printable(text)}\` is no action`, hint: HINT }
}

function readName(target: string): Read<Action> {
  const name = canonicalHost(target)
  if (name === undefined) return { problem: `\`${printable(target)}\` is no name`, hint: HINT }
  return { value: { kind: 'dns.resolve', name, type: 'A' } }
}

function readConnect(target: string): Read<Action> {
  const [, given = '', digits = ''] = /^tcp:\/\/([^/:]+):(\d{1,5})$/.exec(target) ?? []
  const host = canonicalHost(given)
  const port = Number(digits)
  if (host === undefined || port < 1 || port > 65_535) {
    return { problem: `\`${printable(target)}\` is no place to connect to`, hint: HINT }
  }
  // an address of the range from which the gate invents them
  return { value: { kind: 'net.connect', transport: 'tcp', address: '198.18.0.1', port, host } }
}

const URL_TEXT = /^(https?|wss?):\/\/([^/?#:]+)(?::(\d{1,5}))?(\/[^?#]*)?(?:\?([^#]*))?$/
const USUAL_PORTS = { http: 80, https: 443 } as const
type Place = Pick<HttpRequestAction, 'scheme' | 'host' | 'port' | 'path' | 'query'>

function readRequest(method: string, target: string): Read<HttpRequestAction> {
  const [, protocol = '', host = '', port, path, query] = URL_TEXT.exec(target) ?? []
  const scheme = protocol === 'http' || protocol === 'ws' ? 'http' : 'https'
  const place = readPlace(scheme, { host, port, path, query })
  if (place === undefined) {
    return { problem: `\`${printable(target)}\` is no URL that the gate takes`, hint: HINT }
  }
  const upgrade = protocol.startsWith('ws') ? { upgrade: 'websocket' as const } : {}
  return { value: { kind: 'http.request', method, ...place, ...upgrade } }
}

type Given = Record<'port' | 'path' | 'query', string | undefined> & { host: string }

/** Read as the gate reads it: a URL that it would refuse as ambiguous is none here. */
function readPlace(scheme: 'http' | 'https', given: Given): Place | undefined {
  const host = canonicalHost(given.host)
  const path = canonicalPath(given.path ?? '/')
  const query = given.query === undefined ? null : canonicalQuery(given.query)
  const port = given.port === undefined ? USUAL_PORTS[scheme] : Number(given.port)
  const isPort = port > 0 && port <= 65_535
  if (host === undefined || path === undefined || query === undefined || !isPort) return undefined
  return { scheme, host, port, path, query }
}

type Written = Exclude<
  Action,
  { kind: 'file.open' | 'process.syscall' | 'secret.use' | 'ws.message' }
>

function isWritten(action: Action): action is Written {
  return !['file.open', 'process.syscall', 'secret.use', 'ws.message'].includes(action.kind)
}

/** An action of the log as such a line. */
export function describeActionText(action: Action): string {
  if (!isWritten(action)) return action.kind
  switch (action.kind) {
    case 'http.request':
      return `${action.method} ${urlOf(action)}`
    case 'net.connect':
      return `connect ${placeOf(action)}`
    case 'dns.resolve':
      return `resolve ${action.name}`
    case 'package.install':
      return `install ${action.ecosystem}:${action.name}`
    case 'llm.generate':
      return `generate ${action.provider}:${action.model}`
    case 'llm.tool-call':
      return `call ${action.tool}`
  }
}

function placeOf({ transport, host, address, port }: NetConnectAction): string {
  return `${transport}://${host ?? address}:${port ?? 0}`
}

function urlOf({ scheme, host, port, path, query, upgrade }: HttpRequestAction): string {
  const protocol = upgrade === undefined ? scheme : scheme.replace('http', 'ws')
  const place = port === USUAL_PORTS[scheme] ? host : `${host}:${port}`
  return `${protocol}://${place}${path}${query === null ? '' : `?${query}`}`
}
