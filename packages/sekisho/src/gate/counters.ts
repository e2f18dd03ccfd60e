import type { ActionOutcome, Recorder } from '../flow/ports.ts'

/** What one network saw, for its session's end leaf: the verifier compares it with the leaves. */
export class Counters {
  connections = 0
  /** connections refused before any request: literal addresses, closed ports, bad TLS names */
  connectionsDenied = 0
  /** handshakes that the client broke off, for example because it does not trust the CA */
  tlsFailed = 0
  dnsQueries = 0
  dnsDenied = 0
  /** requests whose head was read, allowed or not */
  requests = 0
  /** requests denied or malformed */
  denied = 0
  /** requests that met a missing keyholder or an unwritable log */
  unavailable = 0
  /** outcomes that could not be recorded: gap leaves at recovery */
  outcomesLost = 0
  packetsDenied = 0
  bytesOut = 0
  /** what counts against the session's limits: heads and bodies handed on, requests allowed */
  egressBytes = 0
  egressRequests = 0
  bytesIn = 0
  scrubbed = 0
  /** seen after the last record of their kind, so in no leaf's `repeated` */
  unreported = 0

  toRecord(): Record<string, number> {
    return Object.fromEntries(Object.entries(this))
  }

  /** What was performed, as its outcome leaf says it. */
  countOutcome(outcome: ActionOutcome): void {
    if (outcome.kind !== 'performed') return
    this.bytesOut += outcome.bytesOut
    this.bytesIn += outcome.bytesIn
    this.scrubbed += outcome.scrubbed
  }
}

/** Counts what it records: of exchanges that the platform makes by itself, which no reader counts. */
export function countingRecorder(recorder: Recorder, counters: Counters): Recorder {
  return {
    intent: (intent) => recorder.intent(intent),
    outcome: (id, outcome) => {
      counters.countOutcome(outcome)
      return recorder.outcome(id, outcome)
    },
  }
}
