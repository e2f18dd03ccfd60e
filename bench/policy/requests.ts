import type {
  CedarEntities,
  CedarEntity,
} from '../../packages/sekisho/src/policy/cedar/entities.ts'
import { entityStore } from '../../packages/sekisho/src/policy/cedar/entities.ts'
import { type CedarRecord, Fault } from '../../packages/sekisho/src/policy/cedar/value.ts'
import {
  type CedarJsonRecord,
  recordOfJson,
} from '../../packages/sekisho/src/policy/cedar/value-json.ts'
import type { CedarLibrary } from '../../packages/sekisho/src/policy-text/cedar-library.ts'
import { AGENTS, HOST_GROUPS, HOSTS, TEAMS } from './policies.ts'

const REQUESTS = 64
const METHODS = ['GET', 'GET', 'GET', 'POST', 'HEAD', 'DELETE', 'PUT']
const PATHS = ['/api/v1/7/items', '/api/v3/x/items', '/admin/users', '/', '/api/v2/a/b/c/items']

type Uid = { type: string; id: string }
type Attributes = { [name: string]: boolean | number | string | { __entity: Uid } }
type Known = { uid: Uid; attrs: Attributes; parents: Uid[] }
type Context = { facts: Facts; http: Attributes }
type Facts = { [name: string]: boolean | string | number | string[] | { __extn: Extension } }
type Extension = { fn: string; arg: string }

/** One decision, in the form of each library. */
export type Request = {
  uids: { principal: Uid; action: Uid; resource: Uid }
  context: Context
  /** what the request is about, beside the base: the session and its host */
  own: readonly Known[]
  /** all that cedar-wasm is told, since it has no store: these and what they are in */
  entities: Parameters<CedarLibrary['isAuthorized']>[0]['entities']
}

const uid = (type: string, id: string): Uid => ({ type: `Sekisho::${type}`, id })
const ACTION = uid('Action', 'http.request')

const known: readonly Known[] = [
  ...Array.from({ length: AGENTS }, (_, at) => bare(uid('Agent', `agent-${at}`))),
  ...Array.from({ length: HOST_GROUPS }, (_, at) => bare(uid('HostGroup', `group-${at}`))),
  ...Array.from({ length: TEAMS }, (_, at) => bare(uid('Group', `team-${at}`))),
  ...['http.request', 'tool.call'].map((id) => bare(uid('Action', id))),
]

/** Agents, groups, actions: what does not change from request to request. */
export const base: CedarEntities = entityStore(known.map(readKnown))

function bare(of: Uid): Known {
  return { uid: of, attrs: {}, parents: [] }
}

export function readKnown({ uid: of, attrs, parents }: Known): CedarEntity {
  return { uid: of, parents, attrs: recordFrom(attrs) }
}

export function recordFrom(json: CedarJsonRecord): CedarRecord {
  const record = recordOfJson(json)
  if (record instanceof Fault) throw new TypeError(record.message)
  return record
}

/** Every second one is asked as the session, the others as its user. */
export const requests: readonly Request[] = Array.from({ length: REQUESTS }, (_, at) =>
  makeRequest(at),
)

function makeRequest(at: number): Request {
  const agent = uid('Agent', `agent-${(at * 5) % AGENTS}`)
  const user = uid('User', `user-${at % 9}`)
  const session = uid('Session', `s-${at}`)
  const host = uid('Host', `host-${(at * 13) % HOSTS}.test`)
  const name = at % 4 === 0 ? `www.zone-${at * 18 + 4}.test` : host.id
  const own: Known[] = [
    {
      uid: session,
      attrs: { agent: { __entity: agent }, user: { __entity: user } },
      parents: [agent],
    },
    { uid: user, attrs: { enabled: true }, parents: [uid('Group', `team-${at % TEAMS}`)] },
    {
      uid: host,
      attrs: { name, integrity: 'untrusted', confidentiality: 'internal', external: at % 3 > 0 },
      parents: [uid('HostGroup', `group-${at % HOST_GROUPS}`)],
    },
  ]
  const above = own.flatMap(({ parents }) => parents).map(bare)
  return {
    uids: { principal: at % 2 === 0 ? session : user, action: ACTION, resource: host },
    context: { facts: makeFacts(at), http: makeHttp(at) },
    own,
    entities: [...own, ...above, bare(ACTION)],
  }
}

function makeFacts(at: number): Facts {
  return {
    granted: at % 2 === 0,
    grants: ['rule-1', 'rule-7'],
    approvals: at % 5 === 0 ? ['approver'] : [],
    findings: at % 6 === 0 ? ['injection.model'] : [],
    integrity: at % 3 === 0 ? 'untrusted' : 'trusted',
    confidentiality: at % 4 === 0 ? 'public' : 'internal',
    effect: at % 3 === 0 ? 'external' : 'read',
    reversibility: 'read_only',
    consequence: 'low',
    unconfirmed: [],
    credentials: ['github'],
    bytesLeft: 1_000_000,
    now: { __extn: { fn: 'datetime', arg: '2026-11-22T10:00:00Z' } },
  }
}

function makeHttp(at: number): Attributes {
  return {
    method: METHODS[at % METHODS.length] ?? 'GET',
    scheme: 'https',
    port: 443,
    path: PATHS[at % PATHS.length] ?? '/',
    hasQuery: false,
    bodyBytes: (at * 997) % 5_000,
    upgrade: false,
  }
}
