import type { HttpRequestAction } from '../../core/action.ts'
import { matchesHost } from '../../core/host.ts'
import type { GateCredential } from '../../wire/gate.ts'
import { endToEndFields, type Fields } from '../http-fields.ts'

/** What says who asks, beside the headers that credentials are bound to. */
const WHO_ASKS: ReadonlySet<string> = new Set(['authorization', 'cookie', 'user-agent'])
/** Which edition of its interface a service is asked by; many refuse a request without. */
const VERSION = /^(?:x-)?[a-z0-9-]*version$/

/**
 * The fields of the platform's own GET: whose request it is, and nothing else of the agent's. A range,
 * a condition or a wish for another representation would have less kept than is there, and an
 * `X-HTTP-Method-Override` would make the look itself the deed.
 */
export function readFields(
  raw: readonly string[],
  action: HttpRequestAction,
  credentials: readonly GateCredential[],
): Fields {
  const bound = new Set(boundTo(action, credentials).map(({ header }) => header))
  const sent = endToEndFields(raw, new Set())
  const fields: Fields = []
  for (let index = 0; index < sent.length; index += 2) {
    const name = sent[index] ?? ''
    const lower = name.toLowerCase()
    const isAsked = WHO_ASKS.has(lower) || bound.has(lower) || VERSION.test(lower)
    if (isAsked) fields.push(name, sent[index + 1] ?? '')
  }
  fields.push('accept', '*/*', 'accept-encoding', 'identity')
  // what a cache on the way has may not be what is there any more (RFC 9111 §5.2.1.4)
  fields.push('cache-control', 'no-cache')
  return fields
}

/** The credentials that may go where the action goes. */
function boundTo(
  { host, port }: HttpRequestAction,
  credentials: readonly GateCredential[],
): GateCredential[] {
  return credentials.filter(
    (credential) =>
      credential.port === port && credential.hosts.some((pattern) => matchesHost(pattern, host)),
  )
}

/**
 * The condition under which a request changes what was kept and nothing else (RFC 9110 §13.1.1).
 *
 * @param own the agent's `If-Match`
 * @returns null where its fields stay as they are: there is no ETag, or the agent's own condition
 *   already lets nothing of ours pass
 */
export function conditionFor(etag: string | null, own: string | undefined): string | null {
  if (etag === null) return null
  if (own === undefined || own.trim() === '*') return etag
  return own.split(',').some((each) => each.trim() === etag) ? etag : null
}
