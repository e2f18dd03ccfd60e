import type { HttpRequestAction } from '../../core/action.ts'
import type { SekishoError } from '../../core/error.ts'
import type { Recorder, Resolver } from '../../flow/ports.ts'
import type { LeafInput } from '../../wire/leaves.ts'
import type { PreImage, Recovery } from '../../wire/recovery.ts'
import type { DestinationMeter } from '../destination-meter.ts'
import type { Placeholders } from '../placeholders.ts'
import type { Upstreams } from '../upstream.ts'

/** A request that is about to change something, looked at and allowed so far. */
export type Changing = {
  /** of the action that the pre-image is taken for */
  id: string
  action: HttpRequestAction
  /** as the agent sent them, placeholders in place: name, value, name, value … */
  fields: readonly string[]
  /** the rules that allow it */
  rules: readonly string[]
  recovery: Recovery
  /** the body that will leave, where it is here whole; null where it streams or there is none */
  body: Buffer | null
}

/** Digests are the keyholder's names for content: keyed, so that nobody can test a guess. */
export interface ContentKeeper {
  /**
   * Durable and encrypted when it resolves.
   *
   * @param content at most 8 MiB
   * @throws SekishoError QUOTA_REACHED, PEER_UNAVAILABLE, TIMEOUT
   */
  keep(content: Buffer): Promise<string>
  /** The digest that content would be kept under. @throws as `keep` */
  nameOf(content: Buffer): Promise<string>
  /** Durable when it resolves. @throws as KeyholderLink.record */
  record(leaf: Extract<LeafInput, { type: 'action.preimage' }>): Promise<void>
}

export type CaptureParts = {
  session: string
  recorder: Recorder
  keeper: ContentKeeper
  resolver: Resolver
  placeholders: Placeholders
  upstreams: Pick<Upstreams, 'dispatcherFor'>
  /** of the request's destination, and another than the request's own: each counts its own bytes */
  meter: DestinationMeter
  newId(): string
  outcomeLost(error: SekishoError): void
}

/**
 * `kept`: the leaf is durable. The request must then leave with `ifMatch` as its `If-Match`, unless
 * that is null, so that what it changes is what was kept.
 * `none`: the action cannot be taken back; `why` tells the operator.
 */
export type Captured =
  | { kind: 'kept'; preImage: PreImage; ifMatch: string | null }
  | { kind: 'none'; why: string }

/** Never rejects: whatever fails makes the action one that cannot be taken back. */
export type CapturePreImage = (changing: Changing, parts: CaptureParts) => Promise<Captured>
