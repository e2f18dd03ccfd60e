import type { HttpRequestAction } from '../../core/action.ts'
import { toSekishoError } from '../../core/error.ts'
import { canonicalPath } from '../../core/url-path.ts'
import { passRequest } from '../../flow/checkpoint.ts'
import type { CheckpointPorts } from '../../flow/ports.ts'
import type { RestoreRecipe } from '../../wire/recovery.ts'
import type { Left, RestoreItem, RestoreOutcome } from '../../wire/restore.ts'
import type { Fields } from '../http-fields.ts'
import { PlatformExchange, type PlatformExchangeParts } from './platform-exchange.ts'
import { type Found, type ResourceState, stateOf } from './resource-state.ts'
import type { Reply } from './upstream-ask.ts'

/** What was kept of the session that is restored. */
export interface KeptSource {
  /** @throws SekishoError CONTENT_LOST */
  recipe(digest: string): Promise<RestoreRecipe>
  /** @throws SekishoError CONTENT_LOST */
  content(digest: string): Promise<Buffer>
  /** the digest that content would have been kept under */
  nameOf(content: Buffer): Promise<string>
}

export type RestoreParts = {
  kept: KeptSource
  ports: CheckpointPorts
  /** with the placeholders that the recipe has */
  exchangeParts(recipe: RestoreRecipe): PlatformExchangeParts
}

export type RestoreAsked = { item: RestoreItem; isDryRun: boolean; isForced: boolean }

type Did = Pick<RestoreOutcome, 'did' | 'detail'>

/**
 * Puts one resource back as it was before an action, if it is as the session left it. What is there
 * is read before and after: only what is read back as it was counts as restored. Never rejects.
 */
export async function restoreItem(
  asked: RestoreAsked,
  parts: RestoreParts,
): Promise<RestoreOutcome> {
  const { id } = asked.item
  try {
    const { did, detail } = await restore(asked, parts)
    return { id, did, detail: detail.slice(0, 1024) }
  } catch (thrown) {
    return { id, did: 'failed', detail: toSekishoError(thrown).message.slice(0, 1024) }
  }
}

async function restore(asked: RestoreAsked, parts: RestoreParts): Promise<Did> {
  const recipe = await parts.kept.recipe(asked.item.recipe)
  const now = await look(recipe, parts)
  if (now.kind === 'unknown') return { did: 'failed', detail: now.why }
  const name = now.kind === 'present' ? await parts.kept.nameOf(now.body) : null
  if (name === recipe.content) return { did: 'unchanged', detail: 'it is as it was' }
  if (!asked.isForced && !isLeft(asked.item.left, now, name)) {
    return { did: 'changed-since', detail: whyNotOurs(asked.item.left, now) }
  }
  if (asked.isDryRun) return { did: 'would-restore', detail: describe(recipe) }
  return putBack(recipe, now, parts)
}

/** Whether what is there is what the session's last action left. */
function isLeft(
  { isAbsent, content, etag }: Left,
  now: ResourceState,
  name: string | null,
): boolean {
  if (now.kind === 'absent') return isAbsent
  if (isAbsent) return false
  return (content !== null && content === name) || (etag !== null && etag === now.etag)
}

function whyNotOurs({ isAbsent, content, etag }: Left, now: ResourceState): string {
  if (now.kind === 'absent') return 'somebody else has deleted it since'
  if (isAbsent) return 'somebody else has made it anew since'
  const isKnown = content !== null || etag !== null
  return isKnown ? 'somebody has changed it since' : 'nobody can tell what the action left there'
}

async function putBack(
  recipe: RestoreRecipe,
  now: ResourceState,
  parts: RestoreParts,
): Promise<Did> {
  const request = await requestFor(recipe, now, parts)
  if ('did' in request) return request
  const reply = await ask(request, recipe, parts)
  if (typeof reply === 'string') return { did: 'failed', detail: reply }
  const problem = refusalOf(reply, recipe)
  if (problem !== undefined) return { did: 'failed', detail: problem }
  const after = await look(recipe, parts)
  if (after.kind === 'unknown')
    return { did: 'failed', detail: `it was put back, but ${after.why}` }
  const name = after.kind === 'present' ? await parts.kept.nameOf(after.body) : null
  if (name === recipe.content) return { did: 'restored', detail: describe(recipe) }
  return { did: 'failed', detail: 'what is read back is not what was put back' }
}

type Request = { action: HttpRequestAction; fields: Fields; body: Buffer | null }

async function requestFor(
  recipe: RestoreRecipe,
  now: ResourceState,
  { kept }: RestoreParts,
): Promise<Request | Did> {
  const condition = now.kind === 'present' && now.etag !== null ? ['if-match', now.etag] : []
  const fields = [...recipe.fields, ...condition]
  if (recipe.content === null) {
    return { action: { ...urlOf(recipe), method: 'DELETE' }, fields, body: null }
  }
  const action = actionFor(recipe)
  if (action === undefined) {
    return { did: 'failed', detail: `${recipe.recovery.path} makes no path here` }
  }
  const { contentType, recovery } = recipe
  // a condition is about the resource itself, which another path is not
  const own = recovery.path === null ? fields : [...recipe.fields]
  if (contentType !== null) own.push('content-type', contentType)
  return { action, fields: own, body: await kept.content(recipe.content) }
}

function actionFor({ recovery, ...recipe }: RestoreRecipe): HttpRequestAction | undefined {
  const { method, path: template } = recovery
  const url = urlOf(recipe)
  if (template === null) return { ...url, method }
  const path = canonicalPath(template.replaceAll('{path}', () => recipe.path))
  return path === undefined ? undefined : { ...url, path, query: null, method }
}

function urlOf({
  scheme,
  host,
  port,
  path,
  query,
}: Omit<RestoreRecipe, 'recovery'>): Omit<HttpRequestAction, 'method'> {
  return { kind: 'http.request', scheme, host, port, path, query }
}

async function look(recipe: RestoreRecipe, parts: RestoreParts): Promise<Found> {
  const action = { ...urlOf(recipe), method: 'GET' }
  const reply = await ask({ action, fields: recipe.fields, body: null }, recipe, parts)
  return typeof reply === 'string' ? { kind: 'unknown', why: reply } : stateOf(reply)
}

/** @returns a text where it was not asked, or came to nothing */
async function ask(
  request: Request,
  recipe: RestoreRecipe,
  parts: RestoreParts,
): Promise<Reply | string> {
  const exchange = new PlatformExchange(request, parts.exchangeParts(recipe))
  const result = await passRequest(request.action, exchange, parts.ports)
  if (result.kind === 'deny' || result.kind === 'refused') return result.reason
  return exchange.reply ?? (result.kind === 'failed' ? result.message : 'it was not asked')
}

function refusalOf(reply: Reply, recipe: RestoreRecipe): string | undefined {
  if (reply.kind === 'broken') return reply.why
  const { status } = reply
  if (status >= 200 && status < 300) return undefined
  if (status === 412) return 'somebody changed it at this moment'
  const method = recipe.content === null ? 'DELETE' : recipe.recovery.method
  return `a ${method} is answered with ${status}`
}

function describe({ content, recovery }: RestoreRecipe): string {
  return content === null ? 'by DELETE: it was not there' : `by ${recovery.method}`
}
