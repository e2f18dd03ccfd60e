import { expect, test } from 'vitest'
import { canonicalJson } from '../../core/canonical-json.ts'
import { knownTypes, leafRecord, type LeafRecord } from '../record.ts'
import { sampleLeaves, SESSION } from '../testing/sample-leaves.ts'
import { ocsfEvent } from './map.ts'

/**
 * What OCSF 1.5.0 asks of the classes that we write, copied by hand from the definitions of
 * github.com/ocsf/ocsf-schema (events/…/*.json and what they extend; https://schema.ocsf.io/1.5.0):
 * activities by `activity_id`, attributes that are required, and groups of which one is.
 */
const COMMON = [
  'activity_id',
  'category_uid',
  'class_uid',
  'metadata',
  'severity_id',
  'time',
  'type_uid',
]
type ClassRules = {
  activities: readonly number[]
  required: readonly string[]
  oneOf?: readonly string[]
}
const CLASSES: Readonly<Record<number, ClassRules>> = {
  0: { activities: [0, 99], required: [] },
  1001: {
    activities: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 99],
    required: ['actor', 'device', 'file'],
  },
  1007: { activities: [0, 1, 2, 3, 4, 5, 99], required: ['actor', 'device', 'process'] },
  2004: { activities: [0, 1, 2, 3, 99], required: ['finding_info'] },
  3003: { activities: [0, 1, 2, 99], required: ['user'], oneOf: ['privileges', 'group'] },
  3004: { activities: [0, 1, 2, 3, 4, 99], required: ['entity'] },
  4001: {
    activities: [0, 1, 2, 3, 4, 5, 6, 7, 99],
    required: [],
    oneOf: ['dst_endpoint', 'src_endpoint'],
  },
  4002: {
    activities: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 99],
    required: [],
    oneOf: ['http_request', 'http_response'],
  },
  4003: { activities: [0, 1, 2, 6, 99], required: [], oneOf: ['dst_endpoint', 'src_endpoint'] },
  6002: { activities: [0, 1, 2, 3, 4, 99], required: ['app'] },
  6003: { activities: [0, 1, 2, 3, 4, 99], required: ['actor', 'api', 'src_endpoint'] },
}

/** The same of objects, by the name of the attribute that holds one (objects/*.json). */
type ObjectRules = {
  required?: readonly string[]
  oneOf?: readonly string[]
  enums?: Record<string, readonly number[]>
}
const ENDPOINT = [
  'ip',
  'uid',
  'name',
  'hostname',
  'svc_name',
  'instance_uid',
  'interface_uid',
  'interface_name',
]
const OBJECTS: Readonly<Record<string, ObjectRules>> = {
  metadata: { required: ['product', 'version'] },
  product: { required: ['vendor_name'] },
  app: { required: ['vendor_name'], oneOf: ['name', 'uid'] },
  actor: { oneOf: ['process', 'user', 'invoked_by', 'session', 'app_name', 'app_uid'] },
  api: { required: ['operation'] },
  device: {
    required: ['type_id'],
    oneOf: ['ip', 'uid', 'name', 'hostname', 'instance_uid', 'interface_uid', 'interface_name'],
    enums: { type_id: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 99] },
  },
  file: { required: ['name', 'type_id'], enums: { type_id: [0, 1, 2, 3, 4, 5, 6, 7, 99] } },
  process: { oneOf: ['pid', 'uid', 'cpid'] },
  finding_info: { required: ['title', 'uid'] },
  query: { required: ['hostname'] },
  connection_info: { required: ['direction_id'], enums: { direction_id: [0, 1, 2, 3, 99] } },
  entity: { oneOf: ['name', 'uid'] },
  user: { oneOf: ['account', 'name', 'uid'] },
  src_endpoint: { oneOf: ENDPOINT },
  dst_endpoint: { oneOf: ENDPOINT },
  hashes: {
    required: ['algorithm_id', 'value'],
    enums: { algorithm_id: [0, 1, 2, 3, 4, 5, 6, 7, 99] },
  },
}

/** Of the base event and of the profile `security_control`. */
const ENUMS: Readonly<Record<string, readonly number[]>> = {
  severity_id: [0, 1, 2, 3, 4, 5, 6, 99],
  status_id: [0, 1, 2, 99],
  action_id: [0, 1, 2, 3, 4, 99],
  disposition_id: Array.from({ length: 28 }, (_, i) => i).concat(99),
}
/** Attributes that a class may have beside those above; all stand in each class’s definition. */
const OPTIONAL = new Set(
  'activity_name status_id raw_data message action_id disposition_id is_alert http_request src_endpoint dst_endpoint connection_info query actor session privileges resources'.split(
    ' ',
  ),
)

const source = { version: '1.2.3', origin: 'sekisho/log/test', hostname: 'host.example' }
const records = sampleLeaves().map((leaf, index) => record(leaf, index))

test('the samples have a leaf of every type', () => {
  const types = new Set(sampleLeaves().map(({ type }) => type))
  expect(knownTypes().filter((type) => !types.has(type))).toEqual([])
})

test.for(records.map((one) => [`${one.index} ${one.type}`, one] as const))(
  'leaf %s is an event that the schema allows',
  ([, one]) => {
    const event = ocsfEvent(one, source)
    expect(problems(event)).toEqual([])
    expect(event['metadata']).toMatchObject({
      uid: `sekisho/log/test#${one.index}`,
      sequence: one.index,
    })
    expect(event['raw_data']).toBe(one.line)
    if (one.isKnown) expect(event['class_uid']).not.toBe(0)
    else expect(event['class_uid']).toBe(0)
  },
)

test('a heartbeat is an event too', () => {
  const at = '2026-01-02T03:04:05.678Z'
  const event = ocsfEvent({ kind: 'heartbeat', id: 'x', at, index: 3, text: 'alive' }, source)
  expect(problems(event)).toEqual([])
  expect(event).toMatchObject({ message: 'alive', activity_name: 'heartbeat' })
})

test('a denied request, whole', () => {
  const denied = records.find(({ leaf }) => leaf['id'] === 'a0deny')
  if (denied === undefined) throw new Error('no such sample')
  expect(ocsfEvent(denied, source)).toEqual({
    class_uid: 4002,
    category_uid: 4,
    activity_id: 3,
    type_uid: 400_203,
    severity_id: 3,
    status_id: 2,
    action_id: 2,
    disposition_id: 2,
    time: Date.parse('2026-01-02T03:04:05.678Z'),
    metadata: {
      version: '1.5.0',
      product: { name: 'Sekisho', vendor_name: 'Sekisho', version: '1.2.3' },
      uid: denied.id,
      log_name: 'sekisho/log/test',
      original_time: '2026-01-02T03:04:05.678Z',
      correlation_uid: `${SESSION}/a0deny`,
      event_code: 'action.intent',
      sequence: denied.index,
      profiles: ['security_control'],
    },
    http_request: {
      http_method: 'GET',
      url: {
        scheme: 'https',
        hostname: 'api.example',
        port: 443,
        path: '/v1/x',
        query_string: 'a=b',
        url_string: 'https://api.example:443/v1/x?a=b',
      },
    },
    src_endpoint: { uid: SESSION, name: SESSION, hostname: 'host.example' },
    dst_endpoint: { hostname: 'api.example', port: 443, name: 'api.example' },
    raw_data: denied.line,
  })
})

test.for([
  ['a class without what it requires', { class_uid: 6003, api: undefined }],
  ['an activity that the class has not', { activity_id: 7, type_uid: 600_307 }],
  ['a type that does not fit', { type_uid: 1 }],
  ['a severity that is none', { severity_id: 42 }],
  ['an attribute that the schema has not', { made_up: 1 }],
] as const)('the check itself sees %s', ([, change]) => {
  const read = records.find(({ type }) => type === 'log.read')
  if (read === undefined) throw new Error('no such sample')
  expect(problems({ ...ocsfEvent(read, source), ...change })).not.toEqual([])
})

function problems(event: Readonly<Record<string, unknown>>): string[] {
  const uid = Number(event['class_uid'])
  const rules = CLASSES[uid]
  if (rules === undefined) return [`no class ${uid}`]
  const activity = Number(event['activity_id'])
  const allowed = new Set([...COMMON, ...rules.required, ...OPTIONAL])
  return [
    ...[...COMMON, ...rules.required]
      .filter((name) => event[name] === undefined)
      .map((name) => `${name} is missing`),
    ...(rules.oneOf?.every((name) => event[name] === undefined) === true
      ? [`none of ${rules.oneOf.join()}`]
      : []),
    ...(rules.activities.includes(activity) ? [] : [`activity ${activity}`]),
    ...(activity === 99 && event['activity_name'] === undefined ? ['99 without a name'] : []),
    ...(event['type_uid'] === uid * 100 + activity ? [] : ['type_uid']),
    ...(event['category_uid'] === Math.floor(uid / 1000) ? [] : ['category_uid']),
    ...Object.keys(event)
      .filter((name) => !allowed.has(name))
      .map((name) => `${name} is no attribute`),
    ...Object.entries(ENUMS).flatMap(([name, values]) =>
      event[name] === undefined || values.includes(Number(event[name]))
        ? []
        : [`${name} ${JSON.stringify(event[name])}`],
    ),
    ...objectProblems(event),
  ]
}

function objectProblems(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(objectProblems)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, member]) => {
    if (member === undefined) return [`${name} is undefined`]
    const members: unknown[] = Array.isArray(member) ? member : [member]
    const rules = OBJECTS[name]
    const own = rules === undefined ? [] : members.flatMap((one) => broken(name, one, rules))
    return [...own, ...objectProblems(member)]
  })
}

function broken(
  name: string,
  value: unknown,
  { required = [], oneOf, enums = {} }: ObjectRules,
): string[] {
  const has = (key: string): boolean =>
    typeof value === 'object' && value !== null && Reflect.get(value, key) !== undefined
  return [
    ...required.filter((key) => !has(key)).map((key) => `${name}.${key} is missing`),
    ...(oneOf === undefined || oneOf.some(has) ? [] : [`${name} has none of ${oneOf.join()}`]),
    ...Object.entries(enums).flatMap(([key, values]) =>
      values.includes(Number(Reflect.get(Object(value), key))) ? [] : [`${name}.${key}`],
    ),
  ]
}

function record(leaf: Readonly<Record<string, unknown>>, index: number): LeafRecord {
  const whole = { v: 2, at: '2026-01-02T03:04:05.678Z', ...leaf }
  return leafRecord(source.origin, { index, leaf: whole, line: canonicalJson(whole) })
}
