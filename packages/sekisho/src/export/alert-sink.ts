import type { AlertRule } from '../wire/exporter.ts'
import { matches, valueAt } from './alert-match.ts'
import { AlertWindows } from './alert-windows.ts'
import type { Alarm, Alarms } from './alarms.ts'
import type { ExportRecord, LeafRecord } from './record.ts'
import { describeFailure, RetryError, type Sink } from './sink.ts'

/** Kinds of unknown leaves that are told apart. */
const MAX_UNKNOWN = 64
const MAX_PER = 64

/**
 * The rules of `alerts.yaml`, applied to every leaf of the log in order, as a sink like the others:
 * its cursor makes sure that a restart misses none. An alert becomes a leaf, and so reaches every
 * sink; no rule is ever asked about such a leaf.
 */
export class AlertSink implements Sink {
  readonly #rules: ReadonlyMap<string, readonly AlertRule[]>
  readonly #alarms: Alarms
  readonly #windows: AlertWindows
  readonly #unknown = new Set<string>()
  /** said, and not in the log yet */
  #owed: Alarm[] = []
  /** of the next leaf: a batch that is repeated counts once */
  #next = 0
  #atMs = 0

  /** @param kept of {@link state} */
  constructor(rules: readonly AlertRule[], alarms: Alarms, kept: unknown) {
    this.#rules = Map.groupBy(rules, ({ type }) => type)
    this.#alarms = alarms
    this.#windows = new AlertWindows(kept)
  }

  async send(records: readonly ExportRecord[]): Promise<number> {
    await this.#pay()
    for (const record of records) {
      if (record.kind !== 'leaf' || record.index < this.#next) continue
      this.#next = record.index + 1
      this.#look(record)
      await this.#pay()
    }
    return 0
  }

  state(): unknown {
    return this.#windows.state(this.#atMs)
  }

  async close(): Promise<void> {
    await Promise.resolve() // nothing is open
  }

  #look(record: LeafRecord): void {
    this.#atMs = Date.parse(record.at)
    if (!record.isKnown) this.#lookAtUnknown(record)
    if (record.type === 'platform.alert') return
    for (const rule of this.#rules.get(record.type) ?? []) {
      if (matches(rule, record.leaf)) this.#count(rule, record)
    }
  }

  #count(rule: AlertRule, record: LeafRecord): void {
    const per = rule.per === null ? '' : textOf(valueAt(record.leaf, rule.per))
    const leaves = this.#windows.count(rule, per, this.#atMs)
    if (leaves === undefined) return
    const of = per === '' ? '' : ` of ${per}`
    const more = leaves === 1 ? '' : `, ${leaves} of them`
    const subject = `${describe(record)}${of}${more} (leaf ${record.index})`
    this.#raise({ rule: rule.name, severity: rule.severity, subject })
  }

  #lookAtUnknown({ type, leaf, index }: LeafRecord): void {
    const what = `type ${JSON.stringify(type.slice(0, MAX_PER))}, version ${textOf(leaf['v'])}`
    if (this.#unknown.has(what) || this.#unknown.size >= MAX_UNKNOWN) return
    this.#unknown.add(what)
    const subject = `leaf ${index} is of a kind that this program does not know (${what}); it is exported as it is`
    this.#raise({ rule: 'export.unknown-leaf', severity: 'medium', subject })
  }

  #raise(alarm: Alarm): void {
    this.#alarms.say(alarm)
    this.#owed.push(alarm)
  }

  async #pay(): Promise<void> {
    for (let alarm = this.#owed[0]; alarm !== undefined; alarm = this.#owed[0]) {
      try {
        await this.#alarms.record(alarm)
      } catch (error) {
        throw new RetryError(`an alert is not in the log yet: ${describeFailure(error)}`)
      }
      this.#owed.shift()
    }
  }
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.slice(0, MAX_PER)
}

const TELLING = ['host', 'name', 'address', 'syscall', 'path', 'secret', 'rule', 'agent', 'witness']

/** What a leaf is about in a few words. */
function describe({ type, leaf }: LeafRecord): string {
  const action = valueAt(leaf, 'action')
  const of = typeof action === 'object' && action !== null ? { ...action } : leaf
  const kind = textOf(valueAt(of, 'kind'))
  const words = TELLING.flatMap((field) => textOf(valueAt(of, field)) || [])
  return [kind === '' || of === leaf ? type : kind, ...words.slice(0, 2)].join(' ')
}
