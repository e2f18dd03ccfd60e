import type { IndexedLeaf } from '@sekisho/verify'
import { holdOf, membersOf, textOf, timeOf } from '../search/leaf-fields.ts'
import { describeAction, describeBody, describeOutcome } from './leaf-text.ts'
import { printable } from './terminal.ts'

type Leaf = Readonly<Record<string, unknown>>

/** Who tells whom. */
type Step = { from: string; to: string; what: string }

const WHO_WIDTH = 34

/** Leaves as messages between those who took part, each with its index, its time and how long after. */
export class SequenceText {
  #lastMs: number | null = null

  tell({ index, leaf }: IndexedLeaf): string[] {
    const atMs = timeOf(leaf)
    const after = atMs === null || this.#lastMs === null ? 0 : atMs - this.#lastMs
    this.#lastMs = atMs ?? this.#lastMs
    const time = atMs === null ? '-' : new Date(atMs).toISOString()
    const sign = after < 0 ? '-' : '+'
    const delta = `${sign}${(Math.abs(after) / 1000).toFixed(3)} s`
    return stepsOf(leaf).map(({ from, to, what }, i) => {
      const place =
        i === 0 ? `${String(index).padStart(7)} ${time} ${delta.padStart(11)}` : ' '.repeat(44)
      return printable(`${place}  ${`${from} → ${to}`.padEnd(WHO_WIDTH)} ${what}`)
    })
  }
}

function stepsOf(leaf: Leaf): Step[] {
  switch (leaf['type']) {
    case 'action.intent':
      return intentSteps(leaf)
    case 'action.outcome':
      return [
        {
          from: 'gate',
          to: 'agent',
          what: `${text(leaf['id'])} ${describeOutcome(membersOf(leaf['outcome']))}`,
        },
      ]
    case 'action.held':
      return [
        { from: 'agent', to: 'gate', what: describeAction(membersOf(leaf['action'])) },
        {
          from: 'gate',
          to: list(leaf['needs']),
          what: `${text(leaf['id'])} ${text(leaf['reason'])}`,
        },
      ]
    case 'approval.answer':
      return [
        {
          from: textOf(leaf['signer']) ?? 'nobody known',
          to: 'keyholder',
          what: `${text(holdOf(leaf))} ${text(leaf['result'])}`,
        },
      ]
    case 'process.exec':
      return [
        {
          from: `pid ${text(leaf['parent'])}`,
          to: `pid ${text(leaf['pid'])}`,
          what: describeBody(leaf),
        },
      ]
    default:
      return [{ from: 'platform', to: 'log', what: describeBody(leaf).trim() }]
  }
}

function intentSteps(leaf: Leaf): Step[] {
  const action = membersOf(leaf['action'])
  const { kind, reason } = membersOf(leaf['verdict'])
  const asked = { from: 'agent', to: 'gate', what: `${text(leaf['id'])} ${describeAction(action)}` }
  if (kind !== 'allow')
    return [asked, { from: 'gate', to: 'agent', what: `${text(kind)}: ${text(reason)}` }]
  const host = textOf(action['host'] ?? action['address'] ?? action['name']) ?? 'outside'
  const credentials = list(leaf['credentials'])
  return [
    asked,
    {
      from: 'gate',
      to: host,
      what: credentials === '' ? 'allowed' : `allowed, with ${credentials}`,
    },
  ]
}

function list(value: unknown): string {
  return Array.isArray(value) ? value.map(text).join(' and ') : ''
}

function text(value: unknown): string {
  if (typeof value === 'string') return value
  return value === null || value === undefined ? '-' : JSON.stringify(value)
}
