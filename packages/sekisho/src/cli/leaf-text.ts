import { type IndexedLeaf, SESSION_END } from '@sekisho/verify'
import { describeApproval, describeConsent } from './approval-leaf-text.ts'
import { describeAudit } from './audit-leaf-text.ts'
import { describeBreaker } from './budget-leaf-text.ts'
import { describeContainment } from './containment-text.ts'
import { describeModelLeaf } from './llm-leaf-text.ts'
import { describeModelAction } from './model-action-text.ts'
import { describePolicy } from './policy-leaf-text.ts'
import { describeRecovery } from './recovery-text.ts'
import { printable } from './terminal.ts'

/** One leaf as one line of text that cannot drive the terminal. */
export function describeLeaf({ index, leaf }: IndexedLeaf): string {
  const at = text(leaf['at'])
  const session = leaf['session'] === undefined ? '' : ` ${text(leaf['session'])}`
  return printable(`${String(index).padStart(6)} ${at}${session} ${describeBody(leaf)}`)
}

type Describe = (leaf: Record<string, unknown>) => string

const BODIES: Readonly<Record<string, Describe>> = {
  'platform.start': (leaf) => `platform starts, version ${text(leaf['version'])}`,
  'platform.stop': (leaf) => `platform stops: ${text(leaf['reason'])}`,
  'action.intent': describeIntent,
  'action.outcome': (leaf) => `  ${text(leaf['id'])} → ${describeOutcome(record(leaf['outcome']))}`,
  'session.start': describeStart,
  'session.end': (leaf) =>
    `session ends: ${text(leaf['reason'])}, exit code ${text(leaf['exitCode'])}`,
  'limit.breach': (leaf) =>
    `limit ${text(leaf['limit'])} reached: ${text(leaf['observed'])} of ${text(leaf['configured'])}, ${text(leaf['did'])}`,
  'process.exec': describeExec,
  'budget.breaker': describeBreaker,
  alert: (leaf) =>
    `ALERT ${text(leaf['severity'])} ${text(leaf['rule'])}: ${text(leaf['subject'])}`,
  'workspace.snapshot': describeSnapshot,
  'image.import': (leaf) =>
    `image ${text(leaf['name'])} is ${text(leaf['digest'])}, from ${text(leaf['source'])}`,
  gap: describeGap,
}

/** A leaf without its index, time and session; not yet printable. */
export function describeBody(leaf: Record<string, unknown>): string {
  const type = text(leaf['type'])
  const describe = Object.hasOwn(BODIES, type) ? BODIES[type] : undefined
  if (describe !== undefined) return describe(leaf)
  const told =
    describeContainment(leaf) ??
    describePolicy(leaf) ??
    describeRecovery(leaf) ??
    describeAudit(leaf) ??
    describeModelLeaf(leaf) ??
    describeApproval(leaf, describeAction)
  return told ?? `${type} (a leaf that this program has no words for)`
}

function describeGap(leaf: Record<string, unknown>): string {
  return leaf['id'] === SESSION_END
    ? `gap: the session has no end: ${text(leaf['reason'])}`
    : `gap: ${text(leaf['id'])} has no outcome: ${text(leaf['reason'])}`
}

function describeStart(leaf: Record<string, unknown>): string {
  const from = typeof leaf['snapshot'] === 'string' ? `, from snapshot ${leaf['snapshot']}` : ''
  const phase = leaf['phase'] === 'setup' ? 'setup of ' : ''
  const of = typeof leaf['restores'] === 'string' ? `, to restore ${leaf['restores']}` : ''
  return `session starts: ${phase}agent ${text(leaf['agent'])}, ${list(leaf['argv'])}${more(leaf['argvOmitted'])}${from}${of}`
}

function describeExec(leaf: Record<string, unknown>): string {
  const verdict = record(leaf['verdict'])
  const argv = list(leaf['argv'])
  const words = argv === '' ? '' : `: ${argv}${more(leaf['argvOmitted'])}`
  const what = `${text(leaf['id'])} executes ${text(leaf['path'])}${words}${more(leaf['repeated'])}`
  return verdict['kind'] === 'deny' ? `${what} DENY: ${text(verdict['reason'])}` : what
}

function describeSnapshot(leaf: Record<string, unknown>): string {
  const leftOut = list(leaf['leftOut'])
  return `snapshot ${text(leaf['snapshot'])}${leftOut === '' ? '' : `, without ${leftOut}`}`
}

function describeIntent(leaf: Record<string, unknown>): string {
  const verdict = record(leaf['verdict'])
  const kind = text(verdict['kind']).toUpperCase()
  const credentials = list(leaf['credentials'])
  const why = verdict['reason'] === undefined ? list(verdict['rules']) : text(verdict['reason'])
  const used = credentials === '' ? '' : `, with ${credentials}`
  const seen = `${describeFindings(leaf['findings'])}${describeUnseen(leaf['uninspected'])}${describeConsent(leaf)}`
  return `${text(leaf['id'])} ${kind} ${describeAction(record(leaf['action']))}${used}: ${why}${more(leaf['repeated'])}${seen}`
}

function describeFindings(findings: unknown): string {
  if (!Array.isArray(findings) || findings.length === 0) return ''
  const each = findings.map((finding: unknown) => {
    const { detector, place, count, did } = record(finding)
    return `${text(did)} ${text(detector)} ×${text(count)} in ${text(place)}`
  })
  return ` [${each.join('; ')}]`
}

function describeUnseen(uninspected: unknown): string {
  return uninspected === undefined ? '' : ` [not looked at: ${text(uninspected)}]`
}

/** What was counted and not told one by one. */
export function more(count: unknown): string {
  return Number(count) > 0 ? ` (+${text(count)} more)` : ''
}

/** What was asked for, in one line; not yet printable. */
export function describeAction(action: Record<string, unknown>): string {
  const { kind, ...rest } = action
  switch (kind) {
    case 'http.request':
      return describeRequest(action)
    case 'net.connect':
      return `connect ${text(action['transport'])} ${text(action['host'] ?? action['address'])}:${text(action['port'])}`
    case 'dns.resolve':
      return `resolve ${text(action['name'])} ${text(action['type'])}`
    case 'process.syscall':
      return `${text(action['command'])}[${text(action['pid'])}] calls ${text(action['syscall'])}`
    case 'file.open':
      return `${text(action['command'])}[${text(action['pid'])}] opens ${text(action['path'])}`
    case 'package.install':
      return `install ${text(action['ecosystem'])} ${text(action['name'])} ${text(action['version'])} from ${text(action['host'])}`
    default:
      return describeModelAction(action) ?? `${text(kind)} ${JSON.stringify(rest)}`
  }
}

function describeRequest(action: Record<string, unknown>): string {
  const query = action['query'] === null ? '' : `?${text(action['query'])}`
  const port = [80, 443].includes(Number(action['port'])) ? '' : `:${text(action['port'])}`
  return `${text(action['method'])} ${text(action['scheme'])}://${text(action['host'])}${port}${text(action['path'])}${query}`
}

/** What came of it, in one line; not yet printable. */
export function describeOutcome(outcome: Record<string, unknown>): string {
  switch (outcome['kind']) {
    case 'performed': {
      const scrubbed =
        Number(outcome['scrubbed']) > 0 ? `, ${text(outcome['scrubbed'])} echoes scrubbed` : ''
      return `${text(outcome['status'] ?? 'done')}, ${text(outcome['bytesOut'])} bytes out, ${text(outcome['bytesIn'])} in, at ${text(outcome['address'])}${scrubbed}`
    }
    case 'refused':
      return `refused: ${text(outcome['reason'])}`
    default:
      return `failed: ${text(outcome['code'])} ${text(outcome['message'])}`
  }
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function list(value: unknown): string {
  return Array.isArray(value) ? value.map(text).join(' ') : ''
}

function text(value: unknown): string {
  if (typeof value === 'string') return value
  return value === null || value === undefined ? '-' : JSON.stringify(value)
}
