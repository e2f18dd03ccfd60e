import type { ExecFinding } from '../detect/exec-rules/all.ts'
import type { LeafInput } from '../wire/leaves.ts'

/** Of one rule, in one session; what comes after them is counted. */
const MAX_OF_A_RULE = 10

type Options = {
  session: string
  record: (leaf: LeafInput) => Promise<unknown>
  onError: (error: unknown) => void
}

/** Raises what rules find in a session's execs. */
export class ExecAlerts {
  readonly #options: Options
  readonly #raised = new Map<string, number>()
  readonly #pending = new Set<Promise<unknown>>()
  readonly #counts = { alertsHigh: 0, alertsMedium: 0, alertsLow: 0 }

  constructor(options: Options) {
    this.#options = options
  }

  /** @param about id of the exec's own leaf; null for one that is only counted */
  raise(findings: readonly ExecFinding[], about: string | null): void {
    for (const finding of findings) {
      this.#count(finding.severity)
      const raised = (this.#raised.get(finding.rule) ?? 0) + 1
      this.#raised.set(finding.rule, raised)
      if (raised <= MAX_OF_A_RULE) this.#write(finding, about)
    }
  }

  /** Resolves when all is in the log, or has failed to get there. @returns how many were found */
  async settled(): Promise<Record<string, number>> {
    await Promise.all(this.#pending)
    return this.#counts
  }

  #count(severity: ExecFinding['severity']): void {
    if (severity === 'high') this.#counts.alertsHigh += 1
    else if (severity === 'medium') this.#counts.alertsMedium += 1
    else this.#counts.alertsLow += 1
  }

  #write({ rule, severity, subject }: ExecFinding, about: string | null): void {
    const { session, record, onError } = this.#options
    const written = record({ type: 'alert', session, rule, severity, subject, about }).catch(
      onError,
    )
    this.#pending.add(written)
    void written.then(() => this.#pending.delete(written))
  }
}
