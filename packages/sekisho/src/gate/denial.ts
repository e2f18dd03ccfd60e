import { STATUS_CODES } from 'node:http'
import type { ReplySink } from './reply-sink.ts'

/**
 * What the agent is told: the kind of refusal, never the rule's inputs. The operator finds the
 * rest in the log.
 */
export type AgentReply = {
  status: number
  type: 'sekisho_denied' | 'sekisho_unavailable' | 'sekisho_upstream_failed'
  message: string
  rules: readonly string[]
  /** in place of the usual ones, for clients that take only their own protocol's errors */
  own?: { fields: readonly string[]; body: string } | undefined
}

const MESSAGES: Readonly<Record<string, string>> = {
  'invariant.placeholder-misuse': 'a credential placeholder was sent where it is not bound',
  'invariant.private-address': 'the name does not lead to a public address',
  'invariant.host-mismatch': 'the request names another host than its connection',
  'invariant.http-malformed': 'the request is malformed or ambiguous',
  'invariant.ambiguous-path': 'the path is ambiguous',
  'invariant.method-override': 'overriding the method or the path by a header is not allowed',
  'limit.egress-bytes': 'the session has sent as many bytes as it may',
  'limit.egress-requests': 'the session has made as many requests as it may',
  'invariant.body-too-long': 'the body is longer than what is inspected',
  'invariant.body-encoding': 'the body is encoded so that it cannot be inspected',
  'invariant.body-bomb': 'the body grows too much when it is decoded',
  'invariant.body-incomplete': 'the body broke off',
  'provenance.unknown-url': 'this URL is of unknown origin, so it may carry data out',
  'budget.bytes-out': 'the session has sent this host as much as it may',
  'budget.distinct-urls': 'the session has asked this host for as many URLs as it may',
  'budget.url-entropy': 'the URLs asked of this host say as much as they may',
  'packages.typo': 'the name of the package is one slip away from a well-known one: check it',
  'packages.young': 'this version of the package is too new to be installed',
  'packages.ageUnknown': 'how old this version of the package is is not known here',
  'packages.unknown': 'the package is not known here: check its name',
  'packages.installScripts': 'installing the package would run scripts of its author',
  'packages.ambiguous': 'the request at the package registry is ambiguous',
  'invariant.upgrade': 'no rule allows this protocol upgrade',
}

/** @param status null for the one that goes with the rules: 429 for a limit, else 403 */
export function deniedReply(rules: readonly string[], status: number | null = null): AgentReply {
  const known = rules.map(messageFor).find((message) => message !== undefined)
  const message = known ?? "this session's policy does not allow the request"
  const usual = rules.some(isLimit) ? 429 : 403
  return { status: status ?? usual, type: 'sekisho_denied', message, rules }
}

/** The kind of what was found, never where. */
function messageFor(rule: string): string | undefined {
  if (rule.startsWith('detect.')) return 'the request holds data that may not leave the session'
  return MESSAGES[rule]
}

function isPackages(rule: string): boolean {
  return rule.startsWith('packages.')
}

function isLimit(rule: string): boolean {
  return rule.startsWith('limit.')
}

export const UNAVAILABLE: AgentReply = {
  status: 503,
  type: 'sekisho_unavailable',
  message: 'the checkpoint cannot record actions at the moment, so it lets none pass',
  rules: [],
}

export function upstreamFailed(status: 502 | 504, message: string): AgentReply {
  return { status, type: 'sekisho_upstream_failed', message, rules: [] }
}

/**
 * Answers in place of the upstream. The connection ends with it unless the whole request has
 * arrived: the rest of a refused body is not read.
 */
export function sendAgentReply(
  sink: ReplySink,
  reply: AgentReply,
  { close }: { close: boolean },
): void {
  if (sink.isGone) return sink.destroy()
  if (sink.answer !== undefined) return sink.answer(reply)
  if (sink.hasHead) return sink.destroy()
  const { headers, body } = renderAgentReply(reply)
  const fields = Object.entries(close ? closing(headers) : headers).flat()
  sink.head(reply.status, phraseOf(reply), fields)
  sink.end(body)
}

/** The same as bytes, for a connection that the HTTP parser has given up. */
export function rawAgentReply(reply: AgentReply): string {
  const { headers, body } = renderAgentReply(reply)
  const fields = Object.entries(closing(headers))
  const head = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return `HTTP/1.1 ${reply.status} ${phraseOf(reply)}\r\n${head}\r\n${body}`
}

/** Installers of packages show this phrase to their users, and no body. */
function phraseOf({ status, message, rules }: AgentReply): string {
  const phrase = STATUS_CODES[status] ?? ''
  return rules.some(isPackages) ? `${phrase}: ${message}` : phrase
}

/** An `upgrade` field needs its connection option (RFC 9110 §7.8). */
function closing(headers: Record<string, string>): Record<string, string> {
  return { ...headers, connection: headers['upgrade'] === undefined ? 'close' : 'upgrade, close' }
}

export function renderAgentReply({ status, type, message, rules, own }: AgentReply): {
  headers: Record<string, string>
  body: string
} {
  if (own !== undefined) return { headers: ownHeaders(own, rules), body: own.body }
  // npm shows `error`, which is a text in the replies of its registry
  const error = rules.some(isPackages) ? { error: type, message } : { error: { type, message } }
  const body = JSON.stringify(error)
  const headers: Record<string, string> = {
    // RFC 9110 §15.5.22: a 426 names the protocol to use
    ...(status === 426 ? { upgrade: 'HTTP/1.1' } : {}),
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    'cache-control': 'no-store',
  }
  if (type !== 'sekisho_denied') return { headers, body }
  const rule = ruleField(rules)
  // a limit holds to the session's end; clients of model APIs heed this and stop trying
  const noRetry = rules.some(isLimit) ? { 'x-should-retry': 'false' } : {}
  const verdict = { 'x-sekisho-verdict': 'deny', 'x-sekisho-rule': rule }
  return { headers: { ...headers, ...noRetry, ...verdict }, body }
}

function ownHeaders(
  { fields, body }: NonNullable<AgentReply['own']>,
  rules: readonly string[],
): Record<string, string> {
  const headers: Record<string, string> = {}
  for (let index = 0; index < fields.length; index += 2) {
    headers[(fields[index] ?? '').toLowerCase()] = fields[index + 1] ?? ''
  }
  headers['content-length'] = String(Buffer.byteLength(body))
  headers['cache-control'] = 'no-store'
  return { ...headers, 'x-sekisho-verdict': 'deny', 'x-sekisho-rule': ruleField(rules) }
}

function ruleField(rules: readonly string[]): string {
  return rules.join(', ').replace(/[^\x20-\x7e]/g, '?')
}
