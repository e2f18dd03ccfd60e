import { valueAt } from '../alert-match.ts'
import { defined, type Fields, numberAt, textAt, textsAt } from '../fields.ts'
import { CLASS, type EventPart, type EventPlace, OTHER } from './event.ts'
import { actorOf, destinationOf, deviceOf, fileOf, sourceOf, urlOf } from './objects.ts'

/** `activity_id` of HTTP Activity by method. */
const METHODS: Readonly<Record<string, number>> = {
  CONNECT: 1,
  DELETE: 2,
  GET: 3,
  HEAD: 4,
  OPTIONS: 5,
  POST: 6,
  PUT: 7,
  TRACE: 8,
  PATCH: 9,
}

type Make = (action: Fields, leaf: Fields, place: EventPlace) => EventPart

const BY_KIND: Readonly<Record<string, Make>> = {
  'http.request': httpRequest,
  'ws.message': (action, _leaf, place) => ({
    ...connection(action, place),
    activityId: 6, // Traffic
  }),
  'net.connect': (action, leaf, place) => ({
    ...connection(action, place),
    activityId: valueAt(leaf, 'verdict.kind') === 'deny' ? 5 : 1, // Refuse, Open
  }),
  'dns.resolve': (action, _leaf, place) => ({
    classUid: CLASS.dns,
    activityId: 1, // Query
    fields: {
      query: { hostname: textAt(action, 'name') ?? '', type: textAt(action, 'type') ?? '' },
      src_endpoint: sourceOf(place),
      dst_endpoint: { name: 'gate' },
    },
  }),
  'process.syscall': (action, leaf) =>
    finding(leaf, `forbidden system call ${textAt(action, 'syscall')}`),
  'file.open': (action, leaf, place) => ({
    classUid: CLASS.file,
    activityId: 14, // Open
    fields: {
      actor: { ...actorOf(leaf), process: processOf(action) },
      device: deviceOf(place),
      file: fileOf(textAt(action, 'path') ?? ''),
    },
  }),
  'secret.use': (action, leaf) =>
    finding(leaf, `placeholder of ${textAt(action, 'secret')} for ${textAt(action, 'host')}`),
  'llm.generate': (action, leaf, place) => ({
    classUid: CLASS.api,
    activityId: 1, // Create
    fields: {
      ...apiFields(leaf, place, 'llm.generate'),
      dst_endpoint: destinationOf(action),
      resources: [modelOf(action)],
    },
  }),
  'llm.tool-call': (action, leaf, place) => ({
    classUid: CLASS.api,
    activityId: OTHER,
    activityName: 'llm.tool-call',
    fields: {
      ...apiFields(leaf, place, 'llm.tool-call'),
      resources: [
        modelOf(action),
        defined({ name: textAt(action, 'tool'), type: 'tool', uid: textAt(action, 'callId') }),
      ],
    },
  }),
  'package.install': (action, leaf, place) => ({
    classUid: CLASS.api,
    activityId: 1, // Create
    fields: {
      ...apiFields(leaf, place, 'package.install'),
      dst_endpoint: destinationOf(action),
      resources: [
        defined({
          name: textAt(action, 'name'),
          type: textAt(action, 'ecosystem'),
          version: textAt(action, 'version'),
          uid: textAt(action, 'file'),
        }),
      ],
    },
  }),
}

function modelOf(action: Fields): Fields {
  return { name: `${textAt(action, 'provider')}:${textAt(action, 'model')}`, type: 'model' }
}

/** The event of an action that was decided, by its kind; one of a kind that is not known is generic. */
export function actionPart(leaf: Fields, place: EventPlace): EventPart {
  const action = { ...objectAt(leaf, 'action') }
  const kind = textAt(action, 'kind') ?? ''
  const make = Object.hasOwn(BY_KIND, kind) ? BY_KIND[kind] : undefined
  const part = make?.(action, leaf, place) ?? other(leaf, place, kind)
  const isDenied = valueAt(leaf, 'verdict.kind') === 'deny'
  return { ...part, isDecided: true, statusId: isDenied ? 2 : 0 }
}

/** API Activity of the platform itself, for what has no class of its own. */
export function other(leaf: Fields, place: EventPlace, operation: string): EventPart {
  return {
    classUid: CLASS.api,
    activityId: OTHER,
    activityName: operation,
    fields: apiFields(leaf, place, operation),
  }
}

export function apiFields(leaf: Fields, place: EventPlace, operation: string): Fields {
  return {
    actor: actorOf(leaf),
    api: { operation, service: { name: 'sekisho' } },
    src_endpoint: sourceOf(place),
  }
}

export function finding(leaf: Fields, title: string): EventPart {
  const desc = textAt(leaf, 'subject') ?? textAt(leaf, 'detail') ?? textAt(leaf, 'verdict.reason')
  return {
    classUid: CLASS.finding,
    activityId: 1, // Create
    fields: { finding_info: defined({ title, desc }), is_alert: true },
  }
}

export function execPart(leaf: Fields, place: EventPlace): EventPart {
  const path = textAt(leaf, 'path') ?? ''
  const parent = numberAt(leaf, 'parent')
  const process = {
    ...processOf({ ...leaf, command: path }),
    file: fileOf(path, textAt(leaf, 'digest')),
    cmd_line: textsAt(leaf, 'argv').join(' '),
  }
  return {
    classUid: CLASS.process,
    activityId: 1, // Launch
    isDecided: true,
    statusId: valueAt(leaf, 'verdict.kind') === 'deny' ? 2 : 1,
    fields: {
      actor: { ...actorOf(leaf), process: { pid: parent ?? 0 } },
      device: deviceOf(place),
      process,
    },
  }
}

function httpRequest(action: Fields, _leaf: Fields, place: EventPlace): EventPart {
  const method = textAt(action, 'method') ?? ''
  const known = Object.hasOwn(METHODS, method) ? METHODS[method] : undefined
  return {
    classUid: CLASS.http,
    activityId: known ?? OTHER,
    ...(known === undefined ? { activityName: method } : {}),
    fields: {
      http_request: { http_method: method, url: urlOf(action) },
      src_endpoint: sourceOf(place),
      dst_endpoint: destinationOf(action),
    },
  }
}

function connection(action: Fields, place: EventPlace): EventPart {
  return {
    classUid: CLASS.network,
    activityId: OTHER,
    fields: {
      src_endpoint: sourceOf(place),
      dst_endpoint: destinationOf(action),
      // direction 2 is Outbound
      connection_info: { protocol_name: textAt(action, 'transport') ?? 'tcp', direction_id: 2 },
    },
  }
}

function processOf(of: Fields): Fields {
  return defined({ pid: numberAt(of, 'pid') ?? 0, name: textAt(of, 'command') })
}

function objectAt(leaf: Fields, field: string): object {
  const value = valueAt(leaf, field)
  return typeof value === 'object' && value !== null ? value : {}
}
