import { valueAt } from '../alert-match.ts'
import { defined, type Fields, textAt, textsAt } from '../fields.ts'
import { actionPart, apiFields, execPart, finding, other } from './actions.ts'
import { CLASS, type EventPart, type EventPlace } from './event.ts'
import { actorOf } from './objects.ts'

type Make = (leaf: Fields, place: EventPlace) => EventPart

const START = 3
const STOP = 4
const CREATE = 1
const READ = 2
const UPDATE = 3
const DELETE = 4

/** Every type of leaf, and what it is in OCSF; the table in docs/guides/export.md is this one. */
const BY_TYPE: Readonly<Record<string, Make>> = {
  'platform.start': (leaf) => lifecycle(leaf, START, { name: 'sekisho' }),
  'platform.stop': (leaf) => lifecycle(leaf, STOP, { name: 'sekisho' }),
  'session.start': (leaf) => lifecycle(leaf, START, { name: textAt(leaf, 'agent') }),
  'session.end': (leaf) => lifecycle(leaf, STOP, { name: textAt(leaf, 'session') }),
  'session.refused': (leaf) => ({
    ...lifecycle(leaf, START, { name: textAt(leaf, 'agent') }),
    statusId: 2,
  }),
  'session.state': (leaf) =>
    entity(leaf, UPDATE, { type: 'session', uid: textAt(leaf, 'session') }),
  'session.contained': (leaf) => finding(leaf, `contained: ${textAt(leaf, 'trigger.what')}`),
  'action.intent': actionPart,
  'action.outcome': (leaf, place) => ({
    ...other(leaf, place, 'action.outcome'),
    statusId: valueAt(leaf, 'outcome.kind') === 'performed' ? 1 : 2,
  }),
  'action.held': (leaf, place) => other(leaf, place, 'action.held'),
  'action.preimage': (leaf, place) => api(leaf, place, READ),
  'approval.answer': approval,
  'approval.ended': (leaf, place) => api(leaf, place, DELETE),
  'process.exec': execPart,
  'limit.breach': (leaf) => finding(leaf, `limit ${textAt(leaf, 'limit')}: ${textAt(leaf, 'did')}`),
  'budget.breaker': (leaf) =>
    finding(leaf, `budget ${textAt(leaf, 'budget')} is ${textAt(leaf, 'breaker')}`),
  alert: (leaf) => finding(leaf, textAt(leaf, 'rule') ?? 'alert'),
  'platform.alert': (leaf) => finding(leaf, textAt(leaf, 'rule') ?? 'alert'),
  gap: (leaf) => finding(leaf, `gap: ${textAt(leaf, 'reason')}`),
  'quarantine.set': (leaf) => finding(leaf, `quarantine of ${textAt(leaf, 'agent')}`),
  'quarantine.release': (leaf) =>
    entity(leaf, valueAt(leaf, 'released') === true ? DELETE : UPDATE, {
      type: 'quarantine',
      uid: textAt(leaf, 'id'),
    }),
  'policy.generation': (leaf) =>
    entity(leaf, UPDATE, {
      type: 'policy',
      uid: textAt(leaf, 'digest'),
      version: String(valueAt(leaf, 'generation')),
    }),
  'policy.refused': (leaf) => ({
    ...entity(leaf, UPDATE, { type: 'policy', uid: textAt(leaf, 'digest'), name: 'refused' }),
    statusId: 2,
  }),
  'policy.drift': (leaf) => finding(leaf, `policy drift at ${textAt(leaf, 'where')}`),
  'workspace.snapshot': (leaf) =>
    entity(leaf, CREATE, { type: 'snapshot', uid: textAt(leaf, 'snapshot') }),
  'image.import': (leaf) =>
    entity(leaf, CREATE, {
      type: 'image',
      uid: textAt(leaf, 'digest'),
      name: textAt(leaf, 'name'),
    }),
  'content.removed': (leaf, place) => api(leaf, place, DELETE),
  'llm.call': modelCall,
  'recording.removed': (leaf, place) => api(leaf, place, DELETE),
  'identity.authority': (leaf) =>
    entity(leaf, CREATE, { type: 'authority', name: textAt(leaf, 'trustDomain') }),
  'identity.issued': (leaf) =>
    entity(leaf, CREATE, { type: 'identity', uid: textAt(leaf, 'key'), name: textAt(leaf, 'id') }),
  'identity.revoked': (leaf) =>
    entity(leaf, DELETE, { type: 'identity', uid: textsAt(leaf, 'keys')[0], name: whose(leaf) }),
  'identity.revocation-heard': (leaf) =>
    entity(leaf, UPDATE, { type: 'identity', name: whose(leaf) }),
  'identity.conflict': (leaf) => finding(leaf, `identity conflict: ${textAt(leaf, 'kind')}`),
  'log.read': (leaf, place) => api(leaf, place, READ),
  'transcript.collected': (leaf, place) => api(leaf, place, CREATE),
  'witness.refused': (leaf) => finding(leaf, `witness ${textAt(leaf, 'witness')} refused`),
}

/** undefined for a type that is not known. */
export function leafPart(type: string, leaf: Fields, place: EventPlace): EventPart | undefined {
  return (Object.hasOwn(BY_TYPE, type) ? BY_TYPE[type] : undefined)?.(leaf, place)
}

function lifecycle(leaf: Fields, activityId: number, app: Fields): EventPart {
  return {
    classUid: CLASS.lifecycle,
    activityId,
    statusId: 1,
    fields: {
      app: defined({ vendor_name: 'sekisho', uid: textAt(leaf, 'session'), ...app }),
      actor: actorOf(leaf),
    },
  }
}

/** `name` and `uid` of a managed entity: one of them must be there. */
function entity(leaf: Fields, activityId: number, of: Fields): EventPart {
  const name = textAt(of, 'name') ?? textAt(of, 'uid') ?? textAt(of, 'type')
  return {
    classUid: CLASS.entity,
    activityId,
    statusId: 1,
    fields: { entity: defined({ ...of, name }), actor: actorOf(leaf) },
  }
}

function api(leaf: Fields, place: EventPlace, activityId: number): EventPart {
  const operation = textAt(leaf, 'type') ?? ''
  return {
    classUid: CLASS.api,
    activityId,
    statusId: 1,
    fields: apiFields(leaf, place, operation),
  }
}

/** Of another's API: what a call of a model came to. */
function modelCall(leaf: Fields, place: EventPlace): EventPart {
  const name = `${textAt(leaf, 'provider')}:${textAt(leaf, 'model')}`
  return {
    classUid: CLASS.api,
    activityId: READ,
    statusId: textAt(leaf, 'stop') === undefined ? 2 : 1,
    fields: {
      ...apiFields(leaf, place, 'llm.call'),
      resources: [defined({ name, type: 'model', uid: textAt(leaf, 'served') })],
    },
  }
}

/** Somebody's yes or no: what privilege a session gets by it. */
function approval(leaf: Fields): EventPart {
  const hold = textAt(leaf, 'signed.statement.hold') ?? 'hold'
  return {
    classUid: CLASS.authorizeSession,
    activityId: 1, // Assign Privileges
    statusId: valueAt(leaf, 'result') === 'refused' ? 2 : 1,
    fields: {
      user: { name: textAt(leaf, 'signer') ?? 'unknown' },
      session: { uid: textAt(leaf, 'session') ?? 'unknown' },
      privileges: [`${textAt(leaf, 'result')} ${hold}`],
    },
  }
}

function whose(leaf: Fields): string {
  return textAt(leaf, 'of.session') ?? `gate ${String(valueAt(leaf, 'of.gate'))}`
}
