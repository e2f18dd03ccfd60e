import type { Action } from '../core/action.ts'
import type { RecordedFinding } from '../core/finding.ts'
import type { SekishoError } from '../core/error.ts'
import type { Deny, Hold, Verdict } from '../core/verdict.ts'

/** Decides by rules in memory; never waits, never throws. The interface that Cedar will take. */
export type Decide = (action: Action) => Verdict

export type Performed = {
  kind: 'performed'
  status: number | null
  address: string | null
  bytesOut: number
  bytesIn: number
  scrubbed: number
}
export type Refused = { kind: 'refused'; rules: readonly string[]; reason: string }
export type Failed = { kind: 'failed'; code: string; message: string }
export type ActionOutcome = Performed | Refused | Failed

export type Intent = {
  id: string
  action: Action
  verdict: Verdict
  credentials: readonly string[]
  repeated: number
  /** left out when there are none */
  findings?: readonly RecordedFinding[] | undefined
  /** what nobody looked at, and why it passes all the same; left out when all was seen */
  uninspected?: string | undefined
}

export interface Recorder {
  /**
   * Resolves once the intent is durable and signed, with the values of the named credentials.
   * Rejects with LOG_UNWRITABLE or PEER_UNAVAILABLE: then nothing may leave.
   */
  intent(intent: Intent): Promise<ReadonlyMap<string, string>>
  /** exactly once for every allowed intent, on every path */
  outcome(id: string, outcome: ActionOutcome): Promise<void>
}

export interface Resolver {
  /** resolves once; denies unless every answer is public or the operator named it */
  pin(host: string, port: number): Promise<Pinned | Deny>
}

export type Pinned = {
  kind: 'pinned'
  /** numeric; exactly this is dialled */
  address: string
  port: number
  /** PEM trusted in place of the system roots; null uses the system's */
  caPem: string | null
}

/** A credential's placeholder stands where that credential is not bound. */
export type Misuse = { kind: 'misuse'; secret: string; where: string }

/** Names of the credentials whose placeholders stand where they are bound. */
export type Clear = {
  kind: 'clear'
  credentials: readonly string[]
  /**
   * the action as it stands in the log, where that is not as it is: a URL without what was found in
   * it, or what a request means
   */
  recordAs?: Action | undefined
  findings?: readonly RecordedFinding[] | undefined
  uninspected?: string | undefined
}

/** Something in the request keeps it from leaving. */
export type Stopped = {
  kind: 'stopped'
  verdict: Deny | Hold
  /** as of {@link Clear} */
  recordAs?: Action | undefined
  findings?: readonly RecordedFinding[] | undefined
}

export type Inspected = Clear | Misuse | Stopped | Deny

/** A later part was broken off, and is recorded as an action of its own. */
export type Cut = {
  kind: 'cut'
  action: Action
  by: Deny
  findings?: readonly RecordedFinding[] | undefined
  /** of what had passed by then */
  outcome: Performed | Failed
}

/** One request between its reader and its performer. */
export interface Exchange {
  /**
   * Looks for what may not leave in what has arrived of the request, and whether the session may
   * send that much; asked only if policy allows.
   *
   * @param allowedBy the rules that allow it, whose options say how it is looked at
   */
  inspect(allowedBy: readonly string[]): Promise<Inspected> | Inspected
  /**
   * Sends the request to the pinned address, with the values in place of their placeholders, and
   * carries the reply to the agent. Never rejects. A misuse, or what a detector found in a late
   * part, has broken the request off.
   */
  perform(
    pinned: Pinned,
    credentials: ReadonlyMap<string, string>,
  ): Promise<Performed | Failed | Misuse | Cut>

  /**
   * What the record of a request that policy denies may say of it: a URL that nobody may send may
   * hold what nobody may read in a log either.
   */
  describe?(): Pick<Clear, 'recordAs' | 'findings'>

  /** Lets go of what it holds; called last, whatever came of it. */
  drop?(): void
}

export type CheckpointPorts = {
  decide: Decide
  recorder: Recorder
  resolver: Resolver
  /** unique within the log */
  newId(): string
  /** An outcome that could not be recorded: its intent becomes a gap leaf at recovery. */
  outcomeLost(error: SekishoError): void
}
