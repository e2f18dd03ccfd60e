import { valueAt } from '../alert-match.ts'
import { correlationOf, defined, textAt } from '../fields.ts'
import { type Level, levelOf } from '../level.ts'
import type { ExportRecord, LeafRecord } from '../record.ts'
import { CLASS, type EventPart, OCSF_VERSION, OTHER } from './event.ts'
import { leafPart } from './leaves.ts'

type Source = { version: string; origin: string; hostname: string }

/** `severity_id`: Informational, Low, Medium, High. */
const SEVERITIES: Readonly<Record<Level, number>> = { info: 1, low: 2, medium: 3, high: 4 }
/** `action_id` and `disposition_id` of the profile `security_control`: Allowed and Denied/Blocked. */
const ALLOWED = { action_id: 1, disposition_id: 1 }
const DENIED = { action_id: 2, disposition_id: 2 }

/** One record as one event. What is not mapped stands in `raw_data`, the leaf's own bytes. */
export function ocsfEvent(record: ExportRecord, source: Source): Record<string, unknown> {
  return record.kind === 'leaf' ? leafEvent(record, source) : noticeEvent(record, source)
}

function leafEvent(record: LeafRecord, source: Source): Record<string, unknown> {
  const { leaf, type } = record
  const place = { session: textAt(leaf, 'session') ?? '', hostname: source.hostname }
  const known = record.isKnown ? leafPart(type, leaf, place) : undefined
  const part = known ?? unknownPart(type)
  return {
    ...envelope(part, record, source),
    metadata: {
      ...metadata(record, source),
      ...defined({ correlation_uid: correlationOf(leaf), event_code: type || undefined }),
      sequence: record.index,
      ...(part.isDecided === true ? { profiles: ['security_control'] } : {}),
    },
    ...(part.isDecided === true ? disposition(leaf) : {}),
    ...withFinding(part, record),
    raw_data: record.line,
  }
}

function noticeEvent(
  record: Exclude<ExportRecord, LeafRecord>,
  source: Source,
): Record<string, unknown> {
  const part = unknownPart(record.kind)
  return {
    ...envelope(part, record, source),
    metadata: { ...metadata(record, source), event_code: record.kind },
    message: record.text,
  }
}

function envelope(part: EventPart, record: ExportRecord, _source: Source): Record<string, unknown> {
  const { classUid, activityId, activityName, statusId } = part
  return defined({
    class_uid: classUid,
    category_uid: Math.floor(classUid / 1000),
    activity_id: activityId,
    activity_name: activityName,
    type_uid: classUid * 100 + activityId,
    severity_id: SEVERITIES[levelOf(record)],
    status_id: statusId,
    time: Date.parse(record.at),
  })
}

function metadata(record: ExportRecord, { version, origin }: Source): Record<string, unknown> {
  return {
    version: OCSF_VERSION,
    product: { name: 'Sekisho', vendor_name: 'Sekisho', version },
    uid: record.id,
    log_name: origin,
    original_time: record.at,
  }
}

/** A finding is the one that its leaf is, however often it is sent. */
function withFinding({ classUid, fields }: EventPart, record: LeafRecord): Record<string, unknown> {
  if (classUid !== CLASS.finding) return { ...fields }
  const info = fields['finding_info']
  return { ...fields, finding_info: { ...(typeof info === 'object' ? info : {}), uid: record.id } }
}

function disposition(leaf: LeafRecord['leaf']): Record<string, unknown> {
  return valueAt(leaf, 'verdict.kind') === 'deny' ? DENIED : ALLOWED
}

function unknownPart(what: string): EventPart {
  return { classUid: CLASS.base, activityId: OTHER, activityName: what || 'unknown', fields: {} }
}
