import type { IndexedLeaf } from '@sekisho/verify'
import type { Evidence } from './catalogue.ts'

type Fields = Record<string, unknown>

/** Whether these leaves, written while an attack ran, show that it was seen and refused. */
export function isRecorded(evidence: Evidence, leaves: readonly IndexedLeaf[]): boolean {
  const bodies = leaves.map(({ leaf }) => leaf)
  if (evidence.by === 'outcome') return bodies.some((leaf) => isRefused(leaf, evidence.host, bodies))
  if (evidence.by === 'scrubbed') return bodies.some(isScrubbed)
  return bodies.some((leaf) => isDenied(leaf) && matches(evidence, fields(leaf['action'])))
}

type Immediate = Exclude<Evidence, { by: 'outcome' } | { by: 'scrubbed' }>

function matches(evidence: Immediate, action: Fields): boolean {
  switch (evidence.by) {
    case 'syscall':
      return action['kind'] === 'process.syscall' && evidence.names.includes(String(action['syscall']))
    case 'tripwire':
      return action['kind'] === 'file.open' && action['path'] === evidence.path
    case 'dns':
      return action['kind'] === 'dns.resolve' && String(action['name']).endsWith(evidence.suffix)
    case 'connect':
      return action['kind'] === 'net.connect' && agrees(evidence, action)
    case 'request':
      return (
        action['kind'] === 'http.request' &&
        (evidence.host === undefined || action['host'] === evidence.host)
      )
    case 'secret':
      return ['secret.use', 'http.request'].includes(String(action['kind']))
    default:
      return evidence satisfies never
  }
}

function agrees(wanted: Extract<Evidence, { by: 'connect' }>, action: Fields): boolean {
  const { by: _by, ...given } = wanted
  return Object.entries(given).every(([key, value]) => action[key] === value)
}

function isDenied(leaf: Fields): boolean {
  return leaf['type'] === 'action.intent' && fields(leaf['verdict'])['kind'] === 'deny'
}

/** The intent says where to; the outcome, by the intent's id, that it was refused. */
function isRefused(leaf: Fields, host: string, all: readonly Fields[]): boolean {
  if (leaf['type'] !== 'action.outcome') return false
  if (fields(leaf['outcome'])['kind'] !== 'refused') return false
  return all.some(
    (intent) =>
      intent['type'] === 'action.intent' &&
      intent['id'] === leaf['id'] &&
      fields(intent['action'])['host'] === host,
  )
}

function isScrubbed(leaf: Fields): boolean {
  return leaf['type'] === 'action.outcome' && Number(fields(leaf['outcome'])['scrubbed']) > 0
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
