import { type IndexedLeaf, SESSION_END } from '@sekisho/verify'
import { describeContainment } from './containment-text.ts'
import { printable } from './terminal.ts'

/** One leaf as one line of text that cannot drive the terminal. */
export function describeLeaf({ index, leaf }: IndexedLeaf): string {
  const at = text(leaf['at'])
  const session = leaf['session'] === undefined ? '' : ` ${text(leaf['session'])}`
  return printable(`${String(index).padStart(6)} ${at}${session} ${describeBody(leaf)}`)
}

function describeBody(leaf: Record<string, unknown>): string {
  switch (leaf['type']) {
    case 'action.intent':
      return describeIntent(leaf)
    case 'action.outcome':
      return `  ${text(leaf['id'])} → ${describeOutcome(record(leaf['outcome']))}`
    case 'session.start':
      return describeStart(leaf)
    case 'workspace.snapshot':
      return describeSnapshot(leaf)
    case 'session.end':
      return `session ends: ${text(leaf['reason'])}, exit code ${text(leaf['exitCode'])}`
    case 'gap':
      return leaf['id'] === SESSION_END
        ? `gap: the session has no end: ${text(leaf['reason'])}`
        : `gap: ${text(leaf['id'])} has no outcome: ${text(leaf['reason'])}`
    default:
      return (
        describeContainment(leaf) ??
        `${text(leaf['type'])} ${text(leaf['reason'] ?? leaf['version'])}`
      )
  }
}

function describeStart(leaf: Record<string, unknown>): string {
  const from = typeof leaf['snapshot'] === 'string' ? `, from snapshot ${leaf['snapshot']}` : ''
  return `session starts: agent ${text(leaf['agent'])}, ${list(leaf['argv'])}${more(leaf['argvOmitted'])}${from}`
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
  return `${text(leaf['id'])} ${kind} ${describeAction(record(leaf['action']))}${used}: ${why}${more(leaf['repeated'])}`
}

function more(count: unknown): string {
  return Number(count) > 0 ? ` (+${text(count)} more)` : ''
}

function describeAction(action: Record<string, unknown>): string {
  const { kind, ...rest } = action
  switch (kind) {
    case 'http.request': {
      const query = action['query'] === null ? '' : `?${text(action['query'])}`
      const port = [80, 443].includes(Number(action['port'])) ? '' : `:${text(action['port'])}`
      return `${text(action['method'])} ${text(action['scheme'])}://${text(action['host'])}${port}${text(action['path'])}${query}`
    }
    case 'net.connect':
      return `connect ${text(action['transport'])} ${text(action['host'] ?? action['address'])}:${text(action['port'])}`
    case 'dns.resolve':
      return `resolve ${text(action['name'])} ${text(action['type'])}`
    case 'process.syscall':
      return `${text(action['command'])}[${text(action['pid'])}] calls ${text(action['syscall'])}`
    case 'file.open':
      return `${text(action['command'])}[${text(action['pid'])}] opens ${text(action['path'])}`
    default:
      return `${text(kind)} ${JSON.stringify(rest)}`
  }
}

function describeOutcome(outcome: Record<string, unknown>): string {
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
