import type { HttpRequestAction } from '../../core/action.ts'
import { toSekishoError } from '../../core/error.ts'
import { urlOfRequest } from '../../policy/provenance/canonical-url.ts'
import type { PreImage, Recovery, RestoreRecipe } from '../../wire/recovery.ts'
import { fieldValue, type Fields } from '../http-fields.ts'
import type { ContentKeeper } from './content-keeper.ts'
import { readAsPlatform, type ReadParts } from './platform-read.ts'
import { conditionFor, readFields } from './read-fields.ts'
import type { ResourceState } from './resource-state.ts'

/** First rule of every look that the platform takes before an agent's action. */
const PRE_IMAGE = 'platform.pre-image'

/** A request that is about to change something, looked at and allowed so far. */
export type Changing = {
  /** of the action that the pre-image is taken for */
  id: string
  action: HttpRequestAction
  /** as it stands in the log: without what was found in its URL */
  recordAs: HttpRequestAction
  /** as the agent sent them, placeholders in place: name, value, name, value … */
  fields: readonly string[]
  /** it goes on by HTTP/2 where the upstream speaks it */
  isHttp2: boolean
  /** the rules that allow it */
  rules: readonly string[]
  recovery: Recovery
  /** the body that will leave, where it is here whole; null where it streams or there is none */
  body: Uint8Array | null
}

export type CaptureParts = ReadParts & { session: string; keeper: ContentKeeper }

/**
 * `kept`: the leaf is durable. The request must then leave with `ifMatch` as its `If-Match`, unless
 * that is null, so that what it changes is what was kept.
 * `none`: the action cannot be taken back; `why` tells the operator.
 */
export type Captured =
  | { kind: 'kept'; preImage: PreImage; ifMatch: string | null }
  | { kind: 'none'; why: string }

/**
 * Reads what an action is about to change and has it kept. Never rejects: whatever fails makes the
 * action one that cannot be taken back.
 */
export async function capturePreImage(changing: Changing, parts: CaptureParts): Promise<Captured> {
  const { fields: raw, isHttp2, rules } = changing
  const action = { ...changing.action, method: 'GET' } as const
  const recordAs = { ...changing.recordAs, method: 'GET' }
  const fields = readFields(raw, action, parts.credentials)
  const read = { action, recordAs, fields, isHttp2, rules: [PRE_IMAGE, ...rules] }
  const found = await readAsPlatform(read, parts)
  if (found.kind === 'unknown') return { kind: 'none', why: found.why }
  try {
    const preImage = await keep({ changing, found, fields }, parts)
    const own = fieldValue(raw, 'if-match')
    return { kind: 'kept', preImage, ifMatch: conditionFor(preImage.etag, own) }
  } catch (thrown) {
    return { kind: 'none', why: toSekishoError(thrown).message }
  }
}

type Seen = { changing: Changing; found: ResourceState; fields: Fields }

async function keep(seen: Seen, parts: CaptureParts): Promise<PreImage> {
  const { keeper, session } = parts
  const { changing, found } = seen
  const { id, recordAs, body, recovery } = changing
  const present = found.kind === 'present' ? found : null
  const content = present === null ? null : await keeper.nameOf(present.body)
  const made = recipeOf(seen, content, parts)
  // at once: they share a flush of their directory
  const [recipe, resource, sent] = await Promise.all([
    keeper.keep(Buffer.from(JSON.stringify(made))),
    keeper.nameOf(Buffer.from(urlOfRequest(changing.action))),
    body === null ? null : keeper.nameOf(body),
    present === null ? null : keeper.keep(present.body),
  ])
  const preimage: PreImage = {
    content,
    bytes: present?.body.length ?? 0,
    etag: present?.etag ?? null,
    recipe,
    resource,
    sent,
    recovery,
  }
  await keeper.record({ type: 'action.preimage', session, id, action: recordAs, preimage })
  return preimage
}

function recipeOf(
  { changing, found, fields }: Seen,
  content: string | null,
  parts: CaptureParts,
): RestoreRecipe {
  const { action, recovery } = changing
  const { scheme, host, port, path, query } = action
  return {
    scheme,
    host,
    port,
    path,
    query,
    fields,
    placeholders: placeholdersIn(fields, action, parts),
    content,
    contentType: found.kind === 'present' ? found.contentType : null,
    recovery,
  }
}

/** Of the credentials that the fields use; a restore needs no other. */
function placeholdersIn(
  fields: Fields,
  action: HttpRequestAction,
  { credentials, placeholders }: CaptureParts,
): Record<string, string> {
  const inHead = placeholders.inspectHead(action, fields)
  const used = new Set(inHead.kind === 'clear' ? inHead.credentials : [])
  const named = credentials.filter(({ name }) => used.has(name))
  return Object.fromEntries(named.map(({ name, placeholder }) => [name, placeholder]))
}
