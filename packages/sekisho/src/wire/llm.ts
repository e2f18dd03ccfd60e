import * as z from 'zod'
import { MODEL_APIS } from '../core/action.ts'
import { RecordedFinding } from './egress.ts'
import { Digest } from './sandbox.ts'
import { Port, SecretSource, SessionId } from './schemas.ts'

const Count = z.int().min(0)

/** Tokens of one call, each counted in exactly one class; reasoning is output. */
export const TokenUsage = z.strictObject({
  /** neither read from a cache nor written to one */
  input: Count,
  cacheRead: Count,
  cacheWrite: Count,
  /** of `cacheWrite`: what is kept for longer at a price of its own, such as one hour at Anthropic */
  cacheWriteLong: Count.optional(),
  output: Count,
})
export type TokenUsage = z.infer<typeof TokenUsage>

const ClassPrices = z.strictObject({
  input: Count,
  cacheRead: Count,
  cacheWrite: Count,
  /** of `cacheWriteLong`; left out: as `cacheWrite` */
  cacheWriteLong: Count.optional(),
  output: Count,
})

/** Integer micro-USD for a million tokens of each class. */
export const ModelPrice = z.strictObject({
  /** `claude-opus-4-5*`: a model id, or its beginning before a `*`; the longest that fits counts */
  model: z.string().min(1).max(256),
  /** null: of any provider */
  provider: z.string().max(64).nullable(),
  ...ClassPrices.shape,
  /** what all tokens of a call cost whose prompt, of all three input classes, is longer */
  above: ClassPrices.extend({ promptTokens: Count }).optional(),
  /** what requests may ask for that costs so many hundredths of this: tiers, speeds, regions */
  tiers: z.record(z.string().max(32), z.int().min(0).max(100_000)).optional(),
  /** the longest prompt that the model takes; left out: not known */
  contextTokens: z.int().min(1).optional(),
  /** the most that one reply may hold; what a call without a limit of its own is reserved for */
  maxOutputTokens: z.int().min(1),
  /** the day from which it is charged, `2026-11-01` */
  from: z.iso.date(),
})
export type ModelPrice = z.infer<typeof ModelPrice>

export const BUDGET_SCOPES = [
  'session',
  'chain',
  'agent',
  'user',
  'team',
  'tenant',
  'platform',
] as const

/** What calls of models may come to together. */
export const LlmBudget = z.strictObject({
  /** its rule is `budget.<id>` */
  id: z
    .string()
    .regex(/^[a-z][a-z0-9-]*$/)
    .max(96),
  per: z.enum(BUDGET_SCOPES),
  /** whose calls count; what is left out does not narrow. `team` is a group of users.yaml */
  of: z.strictObject({
    agent: z.string().max(128).optional(),
    user: z.string().max(64).optional(),
    team: z.string().max(128).optional(),
    model: z.string().max(256).optional(),
  }),
  /** the last so many ms; null: for ever, which for a session is its life, or what `calendar` says */
  windowMs: z.int().min(1000).nullable(),
  /** since the hour, day, week (from Monday) or month began, UTC; then `windowMs` is null */
  calendar: z.enum(['hour', 'day', 'week', 'month']).optional(),
  /** each of them bounds; at least one */
  max: z.strictObject({
    microUsd: Count.optional(),
    input: Count.optional(),
    cacheRead: Count.optional(),
    cacheWrite: Count.optional(),
    output: Count.optional(),
    /** of all four classes */
    tokens: Count.optional(),
    calls: Count.optional(),
  }),
})
export type LlmBudget = z.infer<typeof LlmBudget>

/** A model provider beyond those that are known by their host. */
export const LlmProvider = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z][a-z0-9-]*$/)
    .max(64),
  api: z.enum(MODEL_APIS),
  /** what differs from the format's own paths and fields */
  flavour: z.enum(['native', 'azure', 'bedrock', 'vertex']),
  scheme: z.enum(['http', 'https']),
  host: z.string().max(253),
  port: Port,
  /** without a slash at its end, such as `/v1`; empty for none */
  basePath: z.string().max(512),
})
export type LlmProvider = z.infer<typeof LlmProvider>

/** A name that clients ask for at llm.sekisho.internal, and whom it may lead to. */
export const LlmAlias = z.strictObject({
  name: z.string().min(1).max(128),
  /** tried in this order, or by their weights */
  strategy: z.enum(['fallback', 'balance']),
  targets: z
    .array(
      z.strictObject({
        provider: z.string().max(64),
        model: z.string().max(256),
        weight: z.int().min(1).max(1000),
      }),
    )
    .min(1)
    .max(16),
  /** of one target, after a failure to connect, 408, 409, 429 or 5xx before any byte came */
  retries: z.int().min(0).max(5),
})
export type LlmAlias = z.infer<typeof LlmAlias>

const SCORED_CHANNEL = z.enum([
  'system',
  'user',
  'assistant',
  'tool-result',
  'tool-definition',
  'reply',
])

/** Somebody else's filter, which is asked about texts; what it says only tightens. */
export const LlmFilter = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z][a-z0-9-]*$/)
    .max(32),
  kind: z.enum(['model-armor', 'bedrock-guardrail', 'prompt-shields']),
  /** over https alone */
  host: z.string().max(253),
  port: Port,
  /**
   * Without a slash at its end. `model-armor`: of the template, up to its name. `bedrock-guardrail`:
   * of the guardrail, up to its version. `prompt-shields`: empty.
   */
  basePath: z.string().max(512),
  /** where the value that the service knows us by comes from */
  credential: SecretSource,
  channels: z.array(SCORED_CHANNEL).min(1).max(6),
  /** what is less sure is left out */
  minPermille: z.int().min(0).max(1000),
  /** what it finds raises the session's label, waits for people, or refuses the call or the reply */
  onMatch: z.enum(['label', 'hold', 'deny']),
  /** for all questions about one call together */
  timeoutMs: z.int().min(100).max(15_000),
  /** when it cannot be asked or has not looked: nothing passes, or it passes and the leaf says so */
  onFailure: z.enum(['deny', 'pass']),
})
export type LlmFilter = z.infer<typeof LlmFilter>

/** The name of its credential; none of an agent file has a dot. */
export function filterSecret(id: string): string {
  return `filter.${id}`
}

export const LlmSettings = z.strictObject({
  providers: z.array(LlmProvider).max(64),
  aliases: z.array(LlmAlias).max(256),
  prices: z.array(ModelPrice).max(2000),
  /** a model without a price: not called, or counted as the dearest of all */
  missingPrice: z.enum(['refuse', 'dearest']),
  budgets: z.array(LlmBudget).max(256),
  /** what a reply holds that nobody knows how to look into */
  unsupported: z.enum(['deny', 'pass']),
  filters: z.array(LlmFilter).max(8).optional(),
  replies: z.strictObject({
    /**
     * Formats of secrets in what a model writes: nobody looks, they are on record, or they are covered
     * before the client has them. The last holds back every word until it has ended.
     */
    secrets: z.enum(['pass', 'record', 'redact']),
  }),
  recording: z.strictObject({
    /** `full`: what was said, encrypted. `digest`: its digest alone. */
    mode: z.enum(['full', 'digest']),
    /** of `full`: how long it is kept */
    days: z.int().min(1).max(3650),
    /** of `full`: by detector id, its beginning, or class: covered before it is kept */
    redact: z.array(z.string().max(64)).max(64),
  }),
})
export type LlmSettings = z.infer<typeof LlmSettings>

/** What a bundle without files about models says. */
export const NO_LLM_SETTINGS: LlmSettings = {
  providers: [],
  aliases: [],
  prices: [],
  missingPrice: 'dearest',
  budgets: [],
  unsupported: 'deny',
  replies: { secrets: 'pass' },
  recording: { mode: 'full', days: 30, redact: ['secret-format'] },
}

/** What was done with a part of a call. */
export const Coverage = z.strictObject({
  /** `request`, `reply text`, `reply thinking`, `reply calls`, or the type of an item */
  part: z.string().max(64),
  bytes: Count,
  did: z.enum(['inspected', 'passed', 'unsupported']),
  /** names of what looked: `egress`, `injection`, `secrets`, `links`, `tool-calls` … */
  by: z.array(z.string().max(64)).max(16),
})
export type Coverage = z.infer<typeof Coverage>

/** What one filter of somebody else's was asked about a call, and what it said. */
export const FilterLook = z.strictObject({
  filter: z.string().max(32),
  side: z.enum(['request', 'reply']),
  /** of texts that it was asked about, UTF-8 */
  bytes: Count,
  /** of texts that it had looked at before in this session, and was not asked about again */
  knownBytes: Count,
  questions: Count,
  said: z.enum(['nothing', 'found', 'failed']),
  /** why it has not looked; left out where it has */
  why: z.string().max(512).optional(),
  durationMs: Count,
})
export type FilterLook = z.infer<typeof FilterLook>

/** One side of a call, as it was kept. */
export const RecordedSide = z.strictObject({
  bytes: Count,
  /** keyed, of all of it; what it is found by where `kept` */
  digest: Digest,
  kept: z.boolean(),
})
export type RecordedSide = z.infer<typeof RecordedSide>

/** How likely it is that somebody gives the model orders in what one channel brought. */
export const ChannelScore = z.strictObject({
  channel: z.enum(['system', 'user', 'assistant', 'tool-result', 'tool-definition', 'reply']),
  bytes: Count,
  /** the highest of its pieces, in thousandths */
  permille: z.int().min(0).max(1000),
})
export type ChannelScore = z.infer<typeof ChannelScore>

/** What one call of a model came to; behind its intent and before its outcome. */
export const LlmCallLeaf = z.strictObject({
  type: z.literal('llm.call'),
  session: SessionId,
  /** of the intent */
  id: z.string().min(1).max(64),
  provider: z.string().max(64),
  model: z.string().max(256),
  /** as the reply names it; null where it does not */
  served: z.string().max(256).nullable(),
  api: z.enum(MODEL_APIS),
  stream: z.boolean(),
  /** asked for at llm.sekisho.internal under this name */
  alias: z.string().max(128).optional(),
  /** null where the reply told none; then `counted` is what was reserved */
  usage: TokenUsage.nullable(),
  /** as the provider told it, JSON; empty where it told none */
  rawUsage: z.string().max(4096),
  counted: TokenUsage,
  /** by `counted`, rounded up; null where no price is known and the bundle lets it pass */
  microUsd: Count.nullable(),
  /** day of the price that it was counted by; empty for none */
  price: z.string().max(32),
  /** as the reply has it, in the provider's own word */
  stop: z.string().max(64).nullable(),
  calls: z.strictObject({ proposed: Count, released: Count, replaced: Count }),
  request: RecordedSide,
  reply: RecordedSide,
  coverage: z.array(Coverage).max(64),
  scores: z.array(ChannelScore).max(16),
  /** left out where none is set */
  filters: z.array(FilterLook).max(16).optional(),
  /** in texts of the reply; left out when there are none */
  findings: z.array(RecordedFinding).max(64).optional(),
  /** from the request's first byte out to the reply's first byte in, and to its last; ms */
  firstByteMs: Count.nullable(),
  durationMs: Count,
})
export type LlmCallLeaf = z.infer<typeof LlmCallLeaf>
