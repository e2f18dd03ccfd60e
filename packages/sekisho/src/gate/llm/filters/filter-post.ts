import type { HttpRequestAction } from '../../../core/action.ts'
import { SekishoError, toSekishoError } from '../../../core/error.ts'
import type { ActionOutcome, CheckpointPorts, Pinned } from '../../../flow/ports.ts'
import type { CredentialBinding } from '../../../wire/keyholder.ts'
import { filterSecret, type LlmFilter } from '../../../wire/llm.ts'
import { type Fields, fieldBytes } from '../../http-fields.ts'
import { askUpstream, type Reply } from '../../recovery/upstream-ask.ts'
import type { Upstreams } from '../../upstream.ts'
import type { FilterPost, FilterRequest } from './service-filter.ts'

/** First rule of every request to a filter: it is the platform's own. */
const FILTER = 'platform.filter'

export type FilterPostParts = {
  /** that the session was begun with */
  bindings: readonly CredentialBinding[]
  ports: Pick<CheckpointPorts, 'recorder' | 'resolver' | 'newId' | 'outcomeLost' | 'current'>
  /** for these alone: on a connection that the agent has had, an answer could be one of its own */
  upstreams: Pick<Upstreams, 'dispatcherFor'>
}

/**
 * Sends a question to a filter's service as the platform's own request: recorded before it leaves,
 * with the credential that the keyholder releases for exactly that record, to an address that is
 * resolved and classified as any other.
 */
export function filterPost(parts: FilterPostParts): FilterPost {
  return async (request) => {
    const { settings, path, query } = request
    const { host, port } = settings
    requireBound(settings, parts.bindings)
    const action: HttpRequestAction = {
      kind: 'http.request',
      scheme: 'https',
      method: 'POST',
      host,
      port,
      path,
      query,
    }
    const id = parts.ports.newId()
    const name = filterSecret(settings.id)
    const values = await parts.ports.recorder.intent({
      id,
      action,
      verdict: { kind: 'allow', rules: [FILTER, `filter.${settings.id}`] },
      credentials: [name],
      repeated: 0,
      generation: parts.ports.current().generation,
    })
    const credential = values.get(name)
    return perform({ id, action, request, credential }, parts)
  }
}

/** The keyholder would take what is bound elsewhere for an attack. */
function requireBound(
  { id, host, port, basePath }: LlmFilter,
  bindings: readonly CredentialBinding[],
): void {
  const bound = bindings.find(({ name }) => name === filterSecret(id))
  const isBound =
    bound?.hosts.includes(host) === true &&
    bound.port === port &&
    `${basePath}/`.startsWith(bound.under ?? '/')
  if (isBound) return
  throw new SekishoError('SECRET_MISSING', `the session began before the filter ${id} was so`, {
    hint: 'stop the session and start it again',
  })
}

type Recorded = {
  id: string
  action: HttpRequestAction
  request: FilterRequest
  credential: string | undefined
}

async function perform(
  recorded: Recorded,
  { ports, upstreams }: FilterPostParts,
): Promise<{ status: number; body: Buffer }> {
  const { id, action } = recorded
  let outcome: ActionOutcome = { kind: 'failed', code: 'INTERNAL', message: 'broken off' }
  try {
    const pinned = await ports.resolver.pin(action.host, action.port)
    if (pinned.kind === 'deny') {
      outcome = { kind: 'refused', rules: pinned.rules, reason: pinned.reason }
      throw new SekishoError('UPSTREAM_FAILED', pinned.reason)
    }
    const { reply, bytesOut } = await send(recorded, pinned, upstreams)
    outcome = outcomeOf(reply, { address: pinned.address, bytesOut })
    if (reply.kind === 'broken') throw new SekishoError('UPSTREAM_FAILED', reply.why)
    return { status: reply.status, body: reply.body }
  } catch (thrown) {
    const error = toSekishoError(thrown)
    if (outcome.kind === 'failed' && outcome.code === 'INTERNAL') {
      outcome = { kind: 'failed', code: error.code, message: error.message }
    }
    throw error
  } finally {
    ports.recorder.outcome(id, outcome).catch((thrown: unknown) => {
      ports.outcomeLost(toSekishoError(thrown))
    })
  }
}

async function send(
  { action, request, credential }: Recorded,
  pinned: Pinned,
  upstreams: Pick<Upstreams, 'dispatcherFor'>,
): Promise<{ reply: Reply; bytesOut: number }> {
  const { body, maxBytes, signal } = request
  if (credential === undefined) {
    throw new SekishoError('SECRET_MISSING', 'the keyholder has released nothing')
  }
  const own = Object.entries(request.headers(credential)).flat()
  const fields: Fields = [
    'content-type',
    'application/json',
    'accept',
    'application/json',
    'accept-encoding',
    'identity',
    'content-length',
    String(body.length),
    ...own,
  ]
  const { method, path, query } = action
  const line = method.length + path.length + (query?.length ?? 0) + 12
  const bytesOut = line + fieldBytes(fields) + body.length
  const ask = { action, fields, body, pinned, isHttp2: false, bounds: { maxBytes, signal } }
  return { reply: await askUpstream(ask, upstreams), bytesOut }
}

function outcomeOf(reply: Reply, sent: { address: string; bytesOut: number }): ActionOutcome {
  if (reply.kind === 'broken') {
    return { kind: 'failed', code: 'UPSTREAM_FAILED', message: reply.why }
  }
  const { status, bytesIn } = reply
  return { kind: 'performed', status, ...sent, bytesIn, scrubbed: 0 }
}
