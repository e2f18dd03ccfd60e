import { METHODS } from 'node:http'
import type { HttpRequestAction } from '../core/action.ts'
import { canonicalHost } from '../core/host.ts'
import { canonicalPath, canonicalQuery } from '../core/url-path.ts'
import { type Deny, deny } from '../core/verdict.ts'

/** What a connection is, before any request on it: the name behind its synthetic address. */
export type Route = { scheme: 'http' | 'https'; host: string; port: number }

/** A request's head as the HTTP parser gives it. */
export type RawHead = {
  method: string
  target: string
  httpVersion: string
  /** name, value, name, value … in the order and case sent, latin1 */
  rawHeaders: readonly string[]
}

export type HeadRead =
  | { kind: 'read'; action: HttpRequestAction; hasBody: boolean }
  /** `action` shows what was asked as far as it could be read */
  | { kind: 'refused'; action: HttpRequestAction; by: Deny; status: number }

const MAX_HEADERS = 128
/** the log's bound on a path and on a query */
const MAX_TARGET_PART = 8192
const DEFAULT_PORT = { http: 80, https: 443 }

/** TRACE and TRACK echo the head, credential included; CONNECT asks for a way past the gate. */
const FORBIDDEN_METHODS: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'TRACK'])
/** A body on these has no meaning (RFC 9110 §9.3.1): some servers take it for the next request. */
const BODILESS_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD'])
/** An HTTP/2 client may name any; the HTTP/1.1 of an upstream knows these, and `PRI` starts HTTP/2. */
const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS)
/** no sign, no leading zero (octal to some), and exact as a number */
const LENGTH = /^(0|[1-9]\d{0,14})$/

/** These make a server act on another method or path than the one that was decided. */
const OVERRIDES: ReadonlySet<string> = new Set([
  'x-http-method-override',
  'x-http-method',
  'x-method-override',
  'x-original-method',
  'x-original-url',
  'x-original-uri',
  'x-rewrite-url',
  'x-override-url',
  'x-forwarded-method',
  'x-forwarded-path',
  'x-forwarded-uri',
  'x-envoy-original-method',
  'x-envoy-original-path',
  'x-waws-unencoded-url',
])

/** These make a server act for another host than the one that was decided. */
const HOST_OVERRIDES: ReadonlySet<string> = new Set([
  'x-forwarded-host',
  'x-forwarded-server',
  'x-host',
  'x-http-host-override',
  'x-original-host',
])

/** The fields that are read here: most requests have one of them, and nobody looks at their others. */
const READ: ReadonlySet<string> = new Set([
  'host',
  'transfer-encoding',
  'content-length',
  'forwarded',
  'upgrade',
  'expect',
  'http2-settings',
  ...OVERRIDES,
  ...HOST_OVERRIDES,
])

/** Names that have been found to be the host they stand for, as each request of a connection has it. */
const MAX_AGREED = 256
const agreed = new Map<string, string>()

class Refusal extends Error {
  readonly rule: string
  readonly status: number

  constructor(rule: string, reason: string, status = 400) {
    super(reason)
    this.rule = rule
    this.status = status
  }
}

const malformed = (reason: string, status = 400): Refusal =>
  new Refusal('invariant.http-malformed', reason, status)

/** The one canonical action of a request, or why there is none. Ambiguity is refused (RFC 9112 §11). */
export function readHead(head: RawHead, route: Route): HeadRead {
  try {
    return { kind: 'read', ...interpret(head, route) }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return refuseHead(head, route, error)
  }
}

/** A head for which a reader has rules of its own, that it breaks. */
export function refuseHead(
  head: Pick<RawHead, 'method' | 'target'>,
  route: Route,
  { rule, message, status }: { rule: string; message: string; status: number },
): Extract<HeadRead, { kind: 'refused' }> {
  return { kind: 'refused', action: asFarAsRead(head, route), by: deny(rule, message), status }
}

function interpret(head: RawHead, route: Route): { action: HttpRequestAction; hasBody: boolean } {
  requireMethod(head)
  const hasBody = readFields(head.rawHeaders, route)
  if (hasBody && BODILESS_METHODS.has(head.method)) throw malformed(`${head.method} with a body`)
  const { path: rawPath, query: rawQuery } = splitTarget(head.target, route)
  if (Math.max(rawPath.length, rawQuery?.length ?? 0) > MAX_TARGET_PART) {
    throw malformed('the target is too long', 414)
  }
  const path = canonicalPath(rawPath)
  if (path === undefined || path.length > MAX_TARGET_PART) {
    throw new Refusal('invariant.ambiguous-path', `the path ${rawPath.slice(0, 256)}`)
  }
  const query = rawQuery === null ? null : canonicalQuery(rawQuery)
  if (query === undefined) throw malformed('a raw byte in the query')
  const { scheme, host, port } = route
  return {
    action: { kind: 'http.request', scheme, method: head.method, host, port, path, query },
    hasBody,
  }
}

function requireMethod({ method, httpVersion }: RawHead): void {
  if (httpVersion !== '1.1') throw malformed(`HTTP/${httpVersion}`, 505)
  if (KNOWN_METHODS.has(method) && !FORBIDDEN_METHODS.has(method)) return
  throw malformed(`method ${method.slice(0, 32)}`, 405)
}

/** Checks every field; says whether a body follows. */
function readFields(raw: readonly string[], route: Route): boolean {
  if (raw.length > 2 * MAX_HEADERS) throw malformed('too many header fields', 431)
  const seen: Seen = { hosts: 0, codings: 0, lengths: [] }
  for (let index = 0; index < raw.length; index += 2) {
    const name = (raw[index] ?? '').toLowerCase()
    if (!isRead(name)) continue
    readField(seen, name, { value: raw[index + 1] ?? '', route })
  }
  if (seen.hosts !== 1) throw malformed(`${seen.hosts} Host fields`)
  // llhttp refuses both together; a parser that did not would be a way to smuggle
  if (seen.codings + seen.lengths.length > 1) throw malformed('ambiguous body length')
  return seen.codings === 1 || (seen.lengths.length === 1 && seen.lengths[0] !== '0')
}

/** A name with underscores may be spelled for one of them. */
function isRead(name: string): boolean {
  return READ.has(name) || name.includes('_')
}

type Seen = { hosts: number; codings: number; lengths: string[] }

function readField(seen: Seen, name: string, field: { value: string; route: Route }): void {
  const { value, route } = field
  switch (name) {
    case 'host':
      seen.hosts += 1
      return requireSameHost(value, route)
    case 'transfer-encoding':
      seen.codings += 1
      if (value.toLowerCase() !== 'chunked') {
        throw malformed(`transfer-encoding ${value.slice(0, 64)}`, 501)
      }
      return
    case 'content-length':
      seen.lengths.push(value)
      if (!LENGTH.test(value)) throw malformed(`content-length ${value.slice(0, 64)}`)
      return
    case 'forwarded':
      if (/\bhost\s*=/i.test(value)) requireSameOverride(name, value, route)
      return
    default:
      if (HOST_OVERRIDES.has(withHyphens(name))) return requireSameOverride(name, value, route)
      checkField(name, value)
  }
}

function checkField(name: string, value: string): void {
  const spelled = withHyphens(name)
  if (OVERRIDES.has(spelled)) throw new Refusal('invariant.method-override', `header ${name}`, 403)
  if (spelled !== name && /^(host|transfer-encoding|content-length)$/.test(spelled)) {
    throw malformed(`header ${name}`)
  }
  if (name === 'upgrade') {
    throw new Refusal('invariant.upgrade', `upgrade to ${value.slice(0, 64)}`, 501)
  }
  if (name === 'expect' && value.toLowerCase() !== '100-continue') {
    throw malformed(`expectation ${value.slice(0, 64)}`, 417)
  }
  if (name === 'http2-settings') throw new Refusal('invariant.upgrade', 'upgrade to h2c', 501)
}

/** A CGI-like server reads `X_Original_URL` as `X-Original-URL`. */
function withHyphens(name: string): string {
  return name.includes('_') ? name.replaceAll('_', '-') : name
}

/** Another name for the host may be given only where it is the host. */
function requireSameOverride(name: string, value: string, { host, port }: Route): void {
  const given = value.toLowerCase()
  if (given === host || given === `${host}:${port}`) return
  const reason = `header ${name} ${value.slice(0, 256)} on a connection to ${host}:${port}`
  throw new Refusal('invariant.host-mismatch', reason, 421)
}

/** `host[:port]` must be where the connection goes; without a port it means the scheme's own. */
function requireSameHost(value: string, { scheme, host, port }: Route): void {
  const [, name = '', portText] = /^([^:]*)(?::([1-9]\d{0,4}))?$/.exec(value) ?? []
  const named = portText === undefined ? DEFAULT_PORT[scheme] : Number(portText)
  if (named === port && agreed.get(name) === host) return
  if (canonicalHost(name) === host && named === port) return agree(name, host)
  throw new Refusal(
    'invariant.host-mismatch',
    `Host ${value.slice(0, 256)} on a connection to ${host}:${port}`,
    421,
  )
}

function agree(name: string, host: string): void {
  if (agreed.size >= MAX_AGREED) agreed.clear()
  agreed.set(name, host)
}

/** Origin form, or an absolute form that says the same as the connection (RFC 9112 §3.2). */
function splitTarget(target: string, route: Route): { path: string; query: string | null } {
  const origin = target.startsWith('/') ? target : originForm(target, route)
  const mark = origin.indexOf('?')
  return mark === -1
    ? { path: origin, query: null }
    : { path: origin.slice(0, mark), query: origin.slice(mark + 1) }
}

function originForm(target: string, route: Route): string {
  const [, scheme, authority, rest] = /^([a-z]+):\/\/([^/?#]*)(.*)$/i.exec(target) ?? []
  if (scheme === undefined || authority === undefined || rest === undefined) {
    throw malformed(`request target ${target.slice(0, 256)}`)
  }
  if (scheme.toLowerCase() !== route.scheme) {
    throw new Refusal('invariant.host-mismatch', `target ${target.slice(0, 256)}`, 421)
  }
  requireSameHost(authority, route)
  return rest.startsWith('/') ? rest : `/${rest}`
}

/** For the record of a refusal: clipped to what a leaf may hold, never acted upon. */
function asFarAsRead(
  { method, target }: Pick<RawHead, 'method' | 'target'>,
  route: Route,
): HttpRequestAction {
  const mark = target.indexOf('?')
  const path = mark === -1 ? target : target.slice(0, mark)
  return {
    kind: 'http.request',
    ...route,
    method: method.slice(0, 32),
    path: path.slice(0, 1024),
    query: mark === -1 ? null : target.slice(mark + 1, mark + 1 + 1024),
  }
}
