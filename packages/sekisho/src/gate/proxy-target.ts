import type { NetConnectAction } from '../core/action.ts'
import { classifyAddress } from '../core/address.ts'
import { canonicalHost } from '../core/host.ts'
import { type Deny, deny } from '../core/verdict.ts'
import type { RawHead, Route } from './http-head.ts'

/** The gate's own address, where an agent that is told of a proxy finds it. */
export const PROXY_PORT = 3128

/**
 * Where a request to a proxy leads (RFC 9112 §3.2.2). Only `http`: what is to be secret from a proxy
 * comes through CONNECT. Undefined for anything else; the head is then read for the proxy's own
 * name, and refused.
 */
export function readProxyTarget(target: string): Route | undefined {
  const [, name, port] = /^http:\/\/([^/?#:@]+)(?::(\d{1,5}))?(?:[/?#]|$)/i.exec(target) ?? []
  const host = canonicalHost(name ?? '')
  const number = Number(port ?? '80')
  return host === undefined || number < 1 || number > 65_535
    ? undefined
    : { scheme: 'http', host, port: number }
}

export type TunnelRead =
  | { kind: 'read'; action: NetConnectAction & { host: string; port: number } }
  | { kind: 'refused'; action: NetConnectAction; by: Deny; status: number }

/**
 * What CONNECT asks for (RFC 9110 §9.3.6): one name and port, the same in target and Host.
 *
 * @param proxy how the proxy was dialled, for the record
 */
export function readTunnel(head: RawHead, proxy: NetConnectAction): TunnelRead {
  const refuse = (rule: string, reason: string, status = 400): TunnelRead => ({
    kind: 'refused',
    action: proxy,
    by: deny(rule, reason),
    status,
  })
  const shown = head.target.slice(0, 256)
  const to = readAuthority(head.target)
  if (to === undefined) {
    return isLiteral(head.target)
      ? refuse('invariant.literal-address', `CONNECT ${shown}`, 403)
      : refuse('invariant.http-malformed', `CONNECT ${shown}`)
  }
  if (head.httpVersion !== '1.1') {
    return refuse('invariant.http-malformed', `HTTP/${head.httpVersion}`, 505)
  }
  const problem = fieldProblem(head.rawHeaders, to)
  if (problem !== undefined) return refuse(problem.rule, `${problem.reason}, CONNECT ${shown}`)
  return { kind: 'read', action: { ...proxy, host: to.host, port: to.port } }
}

type Authority = { host: string; port: number }

function readAuthority(text: string): Authority | undefined {
  const [, name = '', digits = ''] = /^([^:@/?#]+):(\d{1,5})$/.exec(text) ?? []
  const host = canonicalHost(name)
  const port = Number(digits)
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port }
}

function isLiteral(target: string): boolean {
  const bare = target.replace(/:\d{1,5}$/, '').replace(/^\[(.*)\]$/, '$1')
  return classifyAddress(bare) !== 'unparsed'
}

function fieldProblem(
  raw: readonly string[],
  to: Authority,
): { rule: string; reason: string } | undefined {
  const values = (wanted: string): string[] =>
    raw.filter((_, index) => index % 2 === 1 && raw[index - 1]?.toLowerCase() === wanted)
  // a body would be read as the tunnel's first bytes, or as the next request (RFC 9110 §9.3.6)
  const framing = ['content-length', 'transfer-encoding'].find((name) => values(name).length > 0)
  if (framing !== undefined) {
    return { rule: 'invariant.http-malformed', reason: `${framing} in a request for a tunnel` }
  }
  const hosts = values('host')
  const stray = hosts.find((value) => !isSame(value, to))
  if (stray !== undefined) {
    return { rule: 'invariant.host-mismatch', reason: `Host ${stray.slice(0, 256)}` }
  }
  if (hosts.length === 1) return undefined
  return { rule: 'invariant.http-malformed', reason: `${hosts.length} Host fields` }
}

/** Some clients leave the port out. */
function isSame(value: string, to: Authority): boolean {
  const named = readAuthority(value) ?? readAuthority(`${value}:${to.port}`)
  return named?.host === to.host && named.port === to.port
}
