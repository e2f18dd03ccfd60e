import type { LeafInput } from '../wire/leaves.ts'

export type AlertLeaf = Extract<LeafInput, { type: 'platform.alert' }>
export type Alarm = Pick<AlertLeaf, 'rule' | 'severity' | 'subject'>

/** Alarms that wait for the keyholder; above this the oldest is told to the operator alone. */
const MAX_WAITING = 64
/** Conditions that are remembered as raised. */
const MAX_RAISED = 1024
/** The same condition is not raised again sooner, however often it comes and goes. */
const QUIET_MS = 60_000
const MAX_SUBJECT = 4096

type Options = {
  /** resolves once the leaf is durable */
  record: (leaf: AlertLeaf) => Promise<unknown>
  /** to whoever watches the daemon */
  say: (line: string) => void
  /** monotonic, ms */
  elapsedMs: () => number
}

/**
 * What the exporter itself has to report. Each goes to the daemon's own error output at once, and
 * into the log, from where every sink gets it like any other leaf.
 *
 * An alarm is raised by a change of state, never by a leaf that an alarm has made: so writing one,
 * which itself has to be exported, cannot lead to the next.
 */
export class Alarms {
  readonly #options: Options
  /** condition to when it was last told; `on` while it lasts */
  readonly #raised = new Map<string, { atMs: number; on: boolean }>()
  #waiting: AlertLeaf[] = []
  #writing = false

  constructor(options: Options) {
    this.#options = options
  }

  /**
   * To be called as long as the condition lasts: it is told once, or, when it was told a moment ago
   * and had gone, as soon as that is long enough ago.
   */
  raise(key: string, alarm: Alarm): void {
    const now = this.#options.elapsedMs()
    const known = this.#raised.get(key)
    if (known?.on === true) return
    if (known !== undefined && now - known.atMs < QUIET_MS) return
    this.#raised.set(key, { atMs: now, on: true })
    if (this.#raised.size > MAX_RAISED) this.#raised.delete(this.#raised.keys().next().value ?? '')
    this.tell(alarm)
  }

  /** The condition is over; `alarm` says so, unless it was not on. */
  clear(key: string, alarm?: Alarm): void {
    const known = this.#raised.get(key)
    if (known?.on !== true) return
    known.on = false
    if (alarm !== undefined) this.tell(alarm)
  }

  /** Without a condition: once for each call. */
  tell(alarm: Alarm): void {
    const leaf = alertLeaf(alarm)
    this.#options.say(sentence(leaf))
    this.#waiting.push(leaf)
    if (this.#waiting.length > MAX_WAITING) {
      const lost = this.#waiting.shift()
      this.#options.say(`an alert is not in the log: ${lost?.rule}`)
    }
    void this.flush()
  }

  /** In the log when it resolves; what was said is not said again. @throws when it could not be */
  async record(alarm: Alarm): Promise<void> {
    await this.#options.record(alertLeaf(alarm))
  }

  /** To whoever watches the daemon, and nobody else. */
  say(alarm: Alarm): void {
    this.#options.say(sentence(alertLeaf(alarm)))
  }

  /** Writes what waits; what cannot be written waits for the next call. */
  async flush(): Promise<void> {
    if (this.#writing) return
    this.#writing = true
    try {
      for (let leaf = this.#waiting[0]; leaf !== undefined; leaf = this.#waiting[0]) {
        await this.#options.record(leaf)
        this.#waiting = this.#waiting.filter((other) => other !== leaf)
      }
    } catch {
      // the keyholder is down or busy: it was said, it waits, and the next flush tries again
    } finally {
      this.#writing = false
    }
  }
}

function alertLeaf({ rule, severity, subject }: Alarm): AlertLeaf {
  return {
    type: 'platform.alert',
    rule: rule.slice(0, 128),
    severity,
    subject: printable(subject).slice(0, MAX_SUBJECT),
  }
}

function sentence({ severity, rule, subject }: AlertLeaf): string {
  return `ALERT ${severity} ${rule}: ${subject}`
}

/** An agent chose the names in it, and it is shown on terminals. */
function printable(text: string): string {
  return text.replace(
    /[^\x20-\x7e]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  )
}
