import type { Action, HttpRequestAction } from '../../core/action.ts'
import type { Scheme } from '../../wire/policy.ts'
import { Datetime } from '../cedar/datetime.ts'
import { CedarSet } from '../cedar/set.ts'
import { type CedarRecord, type CedarValue, EntityRef } from '../cedar/value.ts'
import type { Classified } from './classify.ts'
import type { ActionFacts } from '../../core/facts.ts'

/** Every type of ours is in Cedar's namespace `Sekisho`. */
export function uidOf(type: string, id: string): EntityRef {
  return new EntityRef(`Sekisho::${type}`, id)
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
  return new Map<string, CedarValue>([
    ['granted', grants.length > 0],
    ['grants', setOf(grants)],
    ['approvals', setOf(facts.approvals)],
    ['findings', setOf(facts.findings)],
    ['integrity', facts.label.integrity],
    ['confidentiality', facts.label.confidentiality],
    ['effect', classified.effect],
    ['reversibility', classified.reversibility],
    ['consequence', classified.consequence],
    ['unconfirmed', setOf(kinds)],
    ['credentials', setOf(facts.credentials)],
    ['now', new Datetime(nowMs)],
    ...leftOf(facts),
  ])
}

function leftOf({ left }: ActionFacts): [string, CedarValue][] {
  if (left === undefined) return []
  return [
    ['bytesLeft', left.bytes],
    ['requestsLeft', left.requests],
  ]
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
  const kind = uidOf('Action', action.kind)
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
  if (action.kind === 'package.install') {
    const { ecosystem, name, version } = action
    const own = recordOf({ ecosystem, name, ...(version === null ? {} : { version }) })
    const resource = uidOf('Package', `${ecosystem}:${name}`)
    return { action: kind, resource, own: [['package', own]] }
  }
  return { action: kind, resource: uidOf('Platform', 'sekisho'), own: [] }
}

function requestRecord(action: HttpRequestAction, { bodyBytes }: ActionFacts): CedarRecord {
  const { method, scheme, port, path, query, upgrade } = action
  return recordOf({
    method,
    scheme,
    port,
    path,
    hasQuery: query !== null,
    bodyBytes,
    upgrade: upgrade !== undefined,
  })
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
  return { action: uidOf('Action', 'secret.use'), resource: uidOf('Secret', name), own: [] }
}

function recordOf(fields: Readonly<Record<string, CedarValue>>): CedarRecord {
  return new Map(Object.entries(fields))
}

function setOf(texts: readonly string[]): CedarSet {
  return texts.length === 0 ? EMPTY : new CedarSet(texts)
}

const EMPTY = new CedarSet([])
