import type {
  Action,
  HttpRequestAction,
  ModelCallAction,
  PackageInstallAction,
  ToolCallAction,
} from '../../core/action.ts'
import type { Scheme } from '../../wire/policy.ts'
import { Datetime } from '../cedar/datetime.ts'
import { CedarSet } from '../cedar/set.ts'
import { type CedarRecord, type CedarValue, EntityRef } from '../cedar/value.ts'
import type { Classified } from './classify.ts'
import type { ActionFacts } from '../../core/facts.ts'
import { readCall } from '../tools/read-call.ts'

/** Every type of ours is in Cedar's namespace `Sekisho`. */
export function uidOf(type: string, id: string): EntityRef {
  return new EntityRef(`Sekisho::${type}`, id)
}

const ACTIONS = new Map<Action['kind'], EntityRef>()

/** The kinds of actions are few. */
function actionUid(kind: Action['kind']): EntityRef {
  const known = ACTIONS.get(kind)
  if (known !== undefined) return known
  const made = uidOf('Action', kind)
  ACTIONS.set(kind, made)
  return made
}

export type ContextParts = {
  facts: ActionFacts
  classified: Classified
  /** rules of the agent file that grant the action */
  grants: readonly string[]
  nowMs: number
}

/** `context.facts` of the schema. */
export function factsRecord({ facts, classified, grants, nowMs }: ContextParts): CedarRecord {
  const kinds = facts.unconfirmed.map(({ kind }) => kind)
  // one of these for each decision: written one by one, no list of pairs is made of them before
  const record = new Map<string, CedarValue>()
    .set('granted', grants.length > 0)
    .set('grants', setOf(grants))
    .set('approvals', setOf(facts.approvals))
    .set('findings', setOf(facts.findings))
    .set('integrity', facts.label.integrity)
    .set('confidentiality', facts.label.confidentiality)
    .set('effect', classified.effect)
    .set('reversibility', classified.reversibility)
    .set('consequence', classified.consequence)
    .set('unconfirmed', setOf(kinds))
    .set('credentials', setOf(facts.credentials))
    .set('now', new Datetime(nowMs))
  const { left } = facts
  if (left === undefined) return record
  return record.set('bytesLeft', left.bytes).set('requestsLeft', left.requests)
}

export type Described = {
  action: EntityRef
  resource: EntityRef
  /** of the context, beside the facts */
  /** what the resource is in, where no store says it */
  parents?: readonly EntityRef[]
  own: readonly (readonly [string, CedarValue])[]
}

/** What the action is about, and what it says of itself, each by the name that the schema has. */
export function describeAction(
  action: Action,
  { facts, scheme }: { facts: ActionFacts; scheme: Scheme | undefined },
): Described {
  const kind = actionUid(action.kind)
  if (action.kind === 'http.request') {
    const own = requestRecord(action, facts)
    return { action: kind, resource: uidOf('Host', action.host), own: [['http', own]] }
  }
  if (action.kind === 'net.connect') {
    const { transport, port, host, address } = action
    const own = recordOf({ transport, port: port ?? 0, scheme: scheme ?? 'none' })
    return { action: kind, resource: uidOf('Host', host ?? address), own: [['connect', own]] }
  }
  if (action.kind === 'dns.resolve') {
    return { action: kind, resource: uidOf('Name', action.name), own: [] }
  }
  if (action.kind === 'package.install') return describeInstall(kind, action)
  if (action.kind === 'llm.generate') return describeModelCall(kind, action)
  if (action.kind === 'llm.tool-call') return describeToolCall(kind, action)
  return { action: kind, resource: uidOf('Platform', 'sekisho'), own: [] }
}

function describeInstall(kind: EntityRef, action: PackageInstallAction): Described {
  const { ecosystem, name, version } = action
  const own = recordOf({ ecosystem, name, ...(version === null ? {} : { version }) })
  const resource = uidOf('Package', `${ecosystem}:${name}`)
  return { action: kind, resource, own: [['package', own]] }
}

function describeModelCall(kind: EntityRef, action: ModelCallAction): Described {
  const { provider, model, api, stream, serverTools } = action
  const own = recordOf({ provider, model, api, stream, serverTools: setOf(serverTools) })
  return {
    action: kind,
    resource: uidOf('Model', `${provider}:${model}`),
    parents: [uidOf('ModelProvider', provider)],
    own: [['model', own]],
  }
}

function describeToolCall(kind: EntityRef, action: ToolCallAction): Described {
  const { tool, does, model, provider } = action
  const { programs, hosts, paths, isUnknown } = readCall(action)
  const own = recordOf({
    name: tool,
    does,
    programs: setOf(programs),
    hosts: setOf(hosts),
    paths: setOf(paths),
    unknown: isUnknown,
    model,
    provider,
  })
  return { action: kind, resource: uidOf('ClientTool', tool), own: [['tool', own]] }
}

function requestRecord(action: HttpRequestAction, { bodyBytes }: ActionFacts): CedarRecord {
  const { method, scheme, port, path, query, upgrade } = action
  return new Map<string, CedarValue>()
    .set('method', method)
    .set('scheme', scheme)
    .set('port', port)
    .set('path', path)
    .set('hasQuery', query !== null)
    .set('bodyBytes', bodyBytes)
    .set('upgrade', upgrade !== undefined)
}

/** What a request is of a service's declared operations. @param args as its Cedar action has them */
export function describeCall(operation: string, args: CedarValue): Described {
  const [toolset = operation] = operation.split('.')
  return {
    action: uidOf('Action', `tool.call/${operation}`),
    resource: uidOf('Tool', operation),
    parents: [uidOf('Toolset', toolset)],
    own: [
      ['call', recordOf({ operation })],
      ['args', args],
    ],
  }
}

/** A credential goes along. */
export function describeSecret(name: string): Described {
  return { action: actionUid('secret.use'), resource: uidOf('Secret', name), own: [] }
}

function recordOf(fields: Readonly<Record<string, CedarValue>>): CedarRecord {
  return new Map(Object.entries(fields))
}

function setOf(texts: readonly string[]): CedarSet {
  return texts.length === 0 ? EMPTY : new CedarSet(texts)
}

const EMPTY = new CedarSet([])
