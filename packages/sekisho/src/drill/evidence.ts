import type { IndexedLeaf } from '@sekisho/verify'
import type { Evidence } from './catalogue.ts'

type Fields = Record<string, unknown>

/** Whether these leaves, written while one attack ran, show that it was seen and refused. */
export function isRecorded(evidence: Evidence, leaves: readonly IndexedLeaf[]): boolean {
  const bodies = leaves.map(({ leaf }) => leaf)
  if (evidence.by === 'outcome') {
    return bodies.some((leaf) => isRefused(leaf, evidence.host, bodies))
  }
  if (evidence.by === 'scrubbed') return bodies.some(isScrubbed)
  return bodies.some((leaf) => isDenied(leaf) && agrees(evidence, leaf))
}

type Immediate = Exclude<Evidence, { by: 'outcome' } | { by: 'scrubbed' }>

/** Rules under which a credential's placeholder is refused where it is not bound. */
const MISUSE = 'invariant.placeholder-misuse'

function agrees(evidence: Immediate, leaf: Fields): boolean {
  const action = fields(leaf['action'])
  const { by, ...wanted } = evidence
  if (by === 'dns') {
    return action['kind'] === 'dns.resolve' && String(action['name']).endsWith(evidence.suffix)
  }
  if (by === 'secret') return rulesOf(leaf).includes(MISUSE)
  return action['kind'] === KINDS[by] && holds(wanted, action)
}

const KINDS = {
  syscall: 'process.syscall',
  tripwire: 'file.open',
  connect: 'net.connect',
  request: 'http.request',
} as const

function holds(wanted: Fields, action: Fields): boolean {
  return Object.entries(wanted).every(([key, value]) => action[key] === value)
}

function rulesOf(leaf: Fields): unknown[] {
  const rules = fields(leaf['verdict'])['rules']
  return Array.isArray(rules) ? rules : []
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
