import type { Action, HttpRequestAction } from '../core/action.ts'
import type { RecordedFinding } from '../core/finding.ts'
import type { SekishoError } from '../core/error.ts'
import type { Label } from '../core/label.ts'
import type { Deny, Hold, Verdict } from '../core/verdict.ts'
import type { ActionFacts, OperationCall, UnconfirmedArgument } from '../core/facts.ts'
import type { ApprovedHold, IntentFacts } from '../wire/policy-leaves.ts'
import type { RuleOptions } from '../wire/policy.ts'
import type { Recovery } from '../wire/recovery.ts'
import type { ApprovalDesk } from './approvals-port.ts'

/** Decides by rules in memory; never waits, never throws. */
export type Decide = (action: Action, facts?: ActionFacts) => Verdict

/** What an action is decided by: one generation of the bundle, taken once at the action's start. */
export interface Decider {
  readonly generation: number
  /** of that generation */
  readonly digest: string
  decide: Decide
  /** what the rules that allowed an action grant and ask beyond it */
  optionsFor(action: Action, rules: readonly string[]): RuleOptions
  /**
   * What a request is of a service's declared operations; null for none.
   *
   * @param outgoing asked for only if there is one
   */
  readOperation(
    action: HttpRequestAction,
    outgoing: () => Outgoing | Deny,
  ): OperationRead | Deny | null
  /** A standing yes of all these kinds for this action; undefined for none. */
  mandateFor(action: Action, facts: ActionFacts, hold: Hold): string | undefined
  /** What it counts for in each constraint that it falls under; null for none. */
  amountsFor(action: Action, facts: ActionFacts): Readonly<Record<string, number | null>> | null
  /** how it was decided, for the record */
  describe(action: Action, facts: ActionFacts): IntentFacts
}

export type OperationRead = {
  call: OperationCall
  critical: ActionFacts['critical']
  unconfirmed: readonly UnconfirmedArgument[]
}

/** Exactly what a request will send, with placeholders where credentials will stand. */
export type Outgoing = {
  /** name, value, name, value … */
  fields: readonly string[]
  /** null for a request without one */
  body: Uint8Array | null
}

/** What has come into a session so far. */
export interface SessionLabels {
  readonly label: Label
  readonly sources: readonly { what: string; label: Label }[]
  /** what the label will be once the reply is there */
  after(action: Action, credentials: readonly string[]): Label
  /** Called before anything of the reply reaches the agent. */
  enter(action: Action, credentials: readonly string[]): void
  /** Something that came in looks worse than its host is said to be. */
  raise(source: { what: string; label: Label }): void
}

/** Sums over many actions. */
export interface Ledger {
  /** Takes what the action may come to, or says what it would exceed. Never rejects. */
  reserve(id: string, amounts: Readonly<Record<string, number | null>>): Promise<Deny | undefined>
  /** the action was not performed */
  release(id: string): void
}

export type Performed = {
  kind: 'performed'
  status: number | null
  address: string | null
  bytesOut: number
  bytesIn: number
  scrubbed: number
  /** strong ETag of what it left, where a pre-image was kept; a restore knows by it what is ours */
  etag?: string | undefined
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
  /** by which generation, and what was known; left out where no rules were asked */
  generation?: number | undefined
  facts?: IntentFacts | undefined
  /** the answered hold that allows it */
  hold?: ApprovedHold | undefined
  /** the model call that proposed it */
  parent?: string | undefined
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
  /** it may leave only if somebody says yes to what was found in it */
  hold?: Hold | undefined
  bodyBytes?: number | undefined
}

/** Something in the request keeps it from leaving. */
export type Stopped = {
  kind: 'stopped'
  verdict: Deny
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

/** By which rules of the agent file a request may leave, and what those say of it. */
export type Allowed = { rules: readonly string[]; options: RuleOptions }

/** One request between its reader and its performer. */
export interface Exchange {
  /**
   * Looks for what may not leave in what has arrived of the request, and whether the session may
   * send that much; asked only if policy allows.
   *
   */
  inspect(allowed: Allowed): Promise<Inspected> | Inspected

  /**
   * What will be sent, for whoever is asked about it; asked only of what `inspect` has found clear.
   * A denial where nobody can say: a stream, or a body that is too long.
   */
  outgoing?(): Outgoing | Deny

  /**
   * Keeps what is there before it is changed, durably; false where that cannot be done.
   *
   * @param asked.rules that allow the request
   * @param asked.id of the action
   */
  keepBefore?(asked: { id: string; rules: readonly string[]; recovery: Recovery }): Promise<boolean>

  /**
   * Takes what the action needs beyond the checkpoint's own, once it has been allowed and before it
   * is recorded; whoever took it gives it back by itself. A denial stops the action.
   *
   * @param id of the action
   */
  prepare?(id: string): Promise<Deny | undefined>

  /**
   * Asks others about what is allowed so far and can be paid for; what they say only tightens.
   *
   * @param clear as it was decided
   */
  consult?(clear: Clear): Promise<Clear | Stopped>

  /**
   * Resolves when what \`prepare\` has begun is done; nothing leaves before. It goes on while the
   * intent is made durable. What it rejects with stops the action.
   */
  prepared?(): Promise<void>

  /** Tells once that the agent has gone away. */
  onGone?(listener: () => void): void

  /** Breaks off what is being performed: it is not allowed any more. */
  cut?(by: Deny): void

  /** whether it can still say something, that nobody has seen yet, while it is performed */
  isOpenEnded?(): boolean
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

/** What is being performed, so that a change of the rules can end it. */
export interface LiveActions {
  /** @returns to be called when it has ended */
  enter(live: {
    action: Action
    facts: ActionFacts
    isOpenEnded: boolean
    cut: (by: Deny) => void
  }): () => void
}

export type CheckpointPorts = {
  /** by the rules in force */
  decide: Decide
  /** the rules in force, to be asked for all of one action */
  current(): Decider
  labels: SessionLabels
  /** what the session may still send; left out where nobody counts */
  left?(): { bytes: number; requests: number }
  live: LiveActions
  /** undefined: nobody can be asked, so what is to be held is denied */
  desk?: ApprovalDesk | undefined
  /** undefined: an action that counts for a constraint is denied */
  ledger?: Ledger | undefined
  recorder: Recorder
  resolver: Resolver
  /** unique within the log */
  newId(): string
  /** An outcome that could not be recorded: its intent becomes a gap leaf at recovery. */
  outcomeLost(error: SekishoError): void
}
