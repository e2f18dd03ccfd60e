import type { ModelRoute } from '../../llm/routes.ts'
import type { HttpRequestAction } from '../../core/action.ts'
import type { Deny } from '../../core/verdict.ts'
import type { CheckpointPorts } from '../../flow/ports.ts'
import type { PersonalTokens } from '../../detect/content/personal/personal-tokens.ts'
import type { Malformed } from '../../llm/format.ts'
import type { ReadRequest } from '../../llm/request/read-request.ts'
import type { LlmCallLeaf, LlmSettings, RecordedSide, TokenUsage } from '../../wire/llm.ts'
import type { SessionContent } from './content-look.ts'
import type { SessionFilters } from './filters/session-filters.ts'
import type { GateCredential } from '../../wire/gate.ts'
import type { Placeholders } from '../placeholders.ts'

/** Where tokens and money are counted. */
export interface Spending {
  /**
   * Takes the most that a call may come to. Never rejects.
   *
   * @returns how many tokens the reply may hold: null for as many as were asked for
   */
  reserve(asked: {
    id: string
    provider: string
    model: string
    /** without its pictures */
    requestBytes: number
    maxOutputTokens: number | null
    /** as base64 */
    pictures?: number | undefined
    /** the request names files, URLs or an earlier response that the provider has */
    refersElsewhere?: boolean | undefined
    /** tiers, speeds and regions that it asks for, by which prices differ */
    tiers?: readonly string[] | undefined
    /** called when its budget is exhausted while it is in flight */
    cut?: ((by: Deny) => void) | undefined
  }): Promise<{ kind: 'reserved'; outputTokens: number | null; counted: TokenUsage } | Deny>
  /** What it has come to; not waited for. @param usage null for one that was never made */
  settle(id: string, usage: TokenUsage | null): { microUsd: number | null; price: string }
}

/** Where what was said is kept. */
export interface Recordings {
  /** Of a request: nothing may leave before it resolves. @throws SekishoError CONTENT_UNKEPT */
  put(side: 'request' | 'reply', bytes: Buffer): Promise<RecordedSide>
}

/** What the model calls of one session are judged, counted and recorded by. */
export type ModelParts = {
  settings: () => LlmSettings
  /** undefined for a request that leads to no model provider */
  routeOf: (action: HttpRequestAction) => ModelRoute | undefined
  placeholders: Placeholders
  credentials: readonly GateCredential[]
  ports: CheckpointPorts
  spending: Spending
  recordings: Recordings
  content: SessionContent
  /** somebody else's, by the bundle */
  filters: SessionFilters
  /** what stands for personal data towards models */
  personal: PersonalTokens
  /** whether the session itself may reach a host */
  reaches: (host: string) => boolean
  read: (route: ModelRoute, body: Buffer) => ReadRequest | Malformed
  record: (leaf: LlmCallLeaf) => Promise<void>
  session: string
  /** ms, rising */
  elapsedMs: () => number
}
