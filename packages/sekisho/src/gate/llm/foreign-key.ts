import type { HttpRequestAction } from '../../core/action.ts'
import { type Deny, deny } from '../../core/verdict.ts'
import type { Placeholders } from '../placeholders.ts'

/** Fields by which providers know whose account a call is on. */
const KEY_FIELDS: ReadonlySet<string> = new Set([
  'authorization',
  'proxy-authorization',
  'x-api-key',
  'api-key',
  'x-goog-api-key',
  'x-goog-iam-authorization-token',
  'x-amz-security-token',
  'ocp-apim-subscription-key',
  'cookie',
  'cf-aig-authorization',
  'x-vercel-oidc-token',
])
/** Pages in a browser, which may set no fields, say it so: `openai-insecure-api-key.`, `xai-client-secret.` */
const KEY_PROTOCOL = /api-?key|secret|token|bearer|jwt/i
/** Parameters of a URL that say the same. */
const KEY_PARAMETERS: ReadonlySet<string> = new Set([
  'key',
  'api_key',
  'api-key',
  'apikey',
  'access_token',
  // in discovery documents of Google's, beside the next
  'bearer_token',
  'oauth_token',
  // Google takes these as fields and method of the request, for pages that may not set any
  'httpheaders',
  'httpmethod',
  'subscription-key',
  'x-amz-signature',
  'x-amz-credential',
])

/**
 * A provider keeps what it is told for whoever's key it is told with. An agent that brings a key of
 * somebody else's would leave there whatever it likes, at a host that the session may reach.
 */
export function foreignKey(
  action: HttpRequestAction,
  fields: readonly string[],
  placeholders: Pick<Placeholders, 'isAll'>,
): Deny | undefined {
  for (let index = 0; index < fields.length; index += 2) {
    const name = (fields[index] ?? '').toLowerCase()
    if (!mayBringKey(name, fields[index + 1] ?? '')) continue
    if (placeholders.isAll(action, name, fields[index + 1] ?? '')) continue
    return refuse(action, `header ${name}`)
  }
  for (const [name] of new URLSearchParams(action.query ?? '')) {
    if (KEY_PARAMETERS.has(name.toLowerCase().replace(/^\$/, '')))
      return refuse(action, `parameter ${name}`)
  }
  return undefined
}

function mayBringKey(name: string, value: string): boolean {
  // a server behind CGI takes one for the other (RFC 3875 §4.1.18)
  const plain = name.replaceAll('_', '-')
  return KEY_FIELDS.has(plain) || (plain === 'sec-websocket-protocol' && KEY_PROTOCOL.test(value))
}

function refuse({ host }: HttpRequestAction, where: string): Deny {
  const reason = `a key in ${where}, to ${host}, that is no credential of this session`
  return deny('invariant.foreign-key', reason)
}
