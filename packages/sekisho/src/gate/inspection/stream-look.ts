import type { Deny } from '../../core/verdict.ts'
import type { Finding, Scan } from '../../detect/egress/finding.ts'
import type { RuleOptions } from '../../wire/policy.ts'
import type { FindingSet } from './finding-set.ts'
import type { Inspector } from './inspector.ts'

/** Looked at once more with each piece, as if the stream ended there. */
const RECENT_BYTES = 1_024

/** What broke a stream off. */
export class StreamStopped extends Error {
  override readonly name = 'StreamStopped'
  readonly by: Deny
  readonly findings: FindingSet

  constructor(by: Deny, findings: FindingSet) {
    super(by.reason)
    this.by = by
    this.findings = findings
  }
}

/**
 * Looks at a conversation that cannot wait for what follows. What a scan is not certain of before
 * more has come is decided with each piece: the last byte of what may not leave does not leave.
 */
export class StreamLook {
  readonly #inspector: Inspector
  readonly #options: RuleOptions
  readonly #place: string
  readonly #scan: Scan
  readonly #findings: FindingSet
  #recent: Buffer = Buffer.alloc(0)

  /** @param place where findings are said to stand: `stream`, `message` */
  constructor(inspector: Inspector, options: RuleOptions, place: string) {
    this.#inspector = inspector
    this.#options = options
    this.#place = place
    this.#scan = inspector.scanBody(undefined)
    this.#findings = inspector.findings(options)
  }

  /** @throws StreamStopped when the piece may not leave */
  look(piece: Buffer): void {
    this.#add(this.#findings, this.#scan.push(piece))
    throwIf(this.#findings)
    this.#recent = Buffer.concat([this.#recent, piece]).subarray(-RECENT_BYTES)
    this.#lookAtWhole(this.#recent)
  }

  /**
   * A piece that the other side reads by itself too: what came before it does not stand before its
   * first word. @throws as `look`
   */
  lookAtMessage(message: Buffer): void {
    this.look(message)
    this.#lookAtWhole(message)
  }

  #lookAtWhole(bytes: Buffer): void {
    const findings = this.#inspector.findings(this.#options)
    const scan = this.#inspector.scanBody(undefined)
    this.#add(findings, [...scan.push(bytes), ...scan.end()])
    throwIf(findings)
  }

  #add(into: FindingSet, findings: readonly Finding[]): void {
    for (const finding of findings) {
      const { view } = finding
      into.add(finding, view === undefined ? this.#place : `${this.#place} (${view})`, false)
    }
  }
}

function throwIf(findings: FindingSet): void {
  const { stopping } = findings
  if (stopping === undefined) return
  throw new StreamStopped(
    { kind: 'deny', rules: stopping.rules, reason: stopping.reason },
    findings,
  )
}
