import type { Action } from '../../core/action.ts'
import { Datetime } from '../cedar/datetime.ts'
import { CedarSet } from '../cedar/set.ts'
import { type CedarRecord, type CedarValue, EntityRef } from '../cedar/value.ts'
import type { Classified } from './classify.ts'
import type { ActionFacts } from './facts.ts'

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
  ])
}

/** What the action is about, and what it says of itself, each by the name that the schema has. */
export function describeAction(
  action: Action,
  facts: ActionFacts,
): { resource: EntityRef; own: [string, CedarRecord] } {
  switch (action.kind) {
    case 'http.request':
      return {
        resource: uidOf('Host', action.host),
        own: [
          'http',
          recordOf({
            method: action.method,
            scheme: action.scheme,
            port: action.port,
            path: action.path,
            hasQuery: action.query !== null,
            bodyBytes: facts.bodyBytes,
            upgrade: action.upgrade !== undefined,
          }),
        ],
      }
    case 'net.connect': {
      const { transport, port, host, address } = action
      const own = recordOf({ transport, port: port ?? 0 })
      return { resource: uidOf('Host', host ?? address), own: ['connect', own] }
    }
    case 'dns.resolve':
      return {
        resource: uidOf('Name', action.name),
        own: ['dns', recordOf({ type: action.type })],
      }
    case 'package.install': {
      const { ecosystem, name, version } = action
      const own = recordOf({ ecosystem, name, ...(version === null ? {} : { version }) })
      return { resource: uidOf('Package', `${ecosystem}:${name}`), own: ['package', own] }
    }
    default:
      return { resource: uidOf('Platform', action.kind), own: ['other', new Map()] }
  }
}

function recordOf(fields: Readonly<Record<string, CedarValue>>): CedarRecord {
  return new Map(Object.entries(fields))
}

function setOf(texts: readonly string[]): CedarSet {
  return texts.length === 0 ? EMPTY : new CedarSet(texts)
}

const EMPTY = new CedarSet([])
