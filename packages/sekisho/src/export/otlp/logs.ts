import { valueAt } from '../alert-match.ts'
import { textAt, textsAt } from '../fields.ts'
import { type Level, levelOf } from '../level.ts'
import type { ExportRecord, LeafRecord } from '../record.ts'
import { attributes, type KeyValue, spanId, traceId, unixNano } from './values.ts'

export type LogRecord = {
  timeUnixNano: string
  observedTimeUnixNano: string
  severityNumber: number
  severityText: string
  eventName: string
  body: { stringValue: string }
  attributes: KeyValue[]
  traceId?: string
  spanId?: string
}

/** SeverityNumber: INFO, INFO3, WARN, ERROR. */
const SEVERITIES: Readonly<Record<Level, number>> = { info: 9, low: 11, medium: 13, high: 17 }

/** Nothing in it depends on when it is sent: the same leaf is the same record. */
export function logRecord(record: ExportRecord, origin: string): LogRecord {
  const level = levelOf(record)
  const isLeaf = record.kind === 'leaf'
  return {
    timeUnixNano: unixNano(record.at),
    observedTimeUnixNano: unixNano(record.at),
    severityNumber: SEVERITIES[level],
    severityText: level,
    eventName: `sekisho.${isLeaf ? record.type : record.kind}`,
    body: { stringValue: isLeaf ? record.line : record.text },
    attributes: attributes({
      'log.record.uid': record.id,
      'sekisho.log.index': record.index,
      ...(isLeaf ? ofLeaf(record) : {}),
    }),
    ...(isLeaf ? spanOf(record, origin) : {}),
  }
}

function ofLeaf({
  leaf,
  isKnown,
}: LeafRecord): Readonly<Record<string, string | boolean | readonly string[] | undefined>> {
  const rules = textsAt(leaf, 'verdict.rules')
  return {
    'session.id': textAt(leaf, 'session'),
    'sekisho.action.id': textAt(leaf, 'id'),
    'sekisho.action.kind': textAt(leaf, 'action.kind'),
    'sekisho.verdict': textAt(leaf, 'verdict.kind'),
    'sekisho.rules': rules.length === 0 ? undefined : rules,
    'sekisho.unknown': isKnown ? undefined : true,
  }
}

function spanOf({ leaf }: LeafRecord, origin: string): Pick<LogRecord, 'traceId' | 'spanId'> {
  const session = textAt(leaf, 'session')
  if (session === undefined) return {}
  const id = textAt(leaf, 'id')
  const isAction = typeof valueAt(leaf, 'action') === 'object' || leaf['type'] === 'action.outcome'
  const span = id !== undefined && isAction ? id : ''
  return { traceId: traceId(origin, session), spanId: spanId(origin, session, span) }
}
