import type { ModelCallAction } from '../../core/action.ts'
import type { RecordedFinding } from '../../core/finding.ts'
import type { Failed, Performed } from '../../flow/ports.ts'
import type { ReplyFacts } from '../../llm/format.ts'
import type {
  ChannelScore,
  Coverage,
  FilterLook,
  LlmCallLeaf,
  RecordedSide,
  TokenUsage,
} from '../../wire/llm.ts'
import type { CallCounts } from './call-judge.ts'

export const NO_TOKENS: TokenUsage = Object.freeze({
  input: 0,
  cacheRead: 0,
  cacheWrite: 0,
  output: 0,
})

const NO_FACTS: ReplyFacts = {
  model: null,
  usage: null,
  rawUsage: '',
  stop: null,
  bytes: new Map(),
  unsupported: [],
  serverCalls: [],
}

const MAX_COVERAGE = 64
const MAX_NAME = 256
const MAX_RAW_USAGE = 4096
/**
 * Of a reply that broke off nobody tells the tokens. Text has four bytes a token or more; what is
 * counted may be too much, and not too little.
 */
const BYTES_PER_TOKEN = 2

export type Seen = {
  id: string
  session: string
  action: ModelCallAction
  alias: string | undefined
  /** of the reservation */
  reserved: TokenUsage
  facts: ReplyFacts | undefined
  /** whether a reply of the model began, as opposed to an error of the provider */
  isReply: boolean
  calls: CallCounts
  request: RecordedSide
  reply: RecordedSide
  scores: readonly ChannelScore[]
  /** in texts of the reply */
  findings: readonly RecordedFinding[]
  /** names of what looked at the request, and at texts of the reply */
  lookedBy: { request: readonly string[]; reply: readonly string[] }
  /** what was asked of others' filters, and names of those that have looked */
  filters: {
    looks: readonly FilterLook[]
    names: { request: readonly string[]; reply: readonly string[] }
  }
  firstByteMs: number | null
  durationMs: number
}

export type Counted = Pick<Seen, 'facts' | 'isReply' | 'reserved'> & {
  replyBytes: number
}

/** What a call is counted as, whatever its provider has told of it. */
export function countedOf(
  { facts = NO_FACTS, isReply, reserved, replyBytes }: Counted,
  done: Performed | Failed | { kind: 'cut' },
): TokenUsage {
  const { usage, stop } = facts
  const isWhole = done.kind === 'performed'
  if (usage === null) {
    // what a model thinks may be hidden: by what is seen of a reply nobody knows its length
    return isReply || (!isWhole && mayHaveCost(done)) ? reserved : NO_TOKENS
  }
  if (stop !== null && isWhole) return usage
  const seen = Math.min(reserved.output, Math.ceil(replyBytes / BYTES_PER_TOKEN))
  return { ...usage, output: Math.max(usage.output, seen) }
}

/**
 * A provider charges for no error, and for nothing that did not reach it. Whoever hangs up before the
 * first byte leaves it at work, and so does the gate with a reply that it cannot read.
 */
function mayHaveCost(done: Failed | { kind: 'cut' }): boolean {
  return done.kind === 'cut' || LEFT_AT_WORK.has(done.code)
}

const LEFT_AT_WORK: ReadonlySet<string> = new Set([
  'CLIENT_GONE',
  'INTERNAL',
  'REPLY_UNREADABLE',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
])

/** What others' filters look at, too. */
const TEXTS: ReadonlySet<string> = new Set(['reply text', 'reply thinking'])

/** The leaf of one call. @param spent as it was settled */
export function reportCall(
  seen: Seen,
  counted: TokenUsage,
  spent: { microUsd: number | null; price: string },
): LlmCallLeaf {
  const { id, session, action, alias, facts = NO_FACTS, calls, request, reply } = seen
  return {
    type: 'llm.call',
    session,
    id,
    provider: action.provider,
    model: action.model,
    served: facts.model?.slice(0, MAX_NAME).toWellFormed() ?? null,
    api: action.api,
    stream: action.stream,
    ...(alias === undefined ? {} : { alias }),
    usage: facts.usage,
    rawUsage: facts.rawUsage.length > MAX_RAW_USAGE ? '' : facts.rawUsage.toWellFormed(),
    counted,
    ...spent,
    stop: facts.stop?.slice(0, 64).toWellFormed() ?? null,
    calls,
    request,
    reply,
    coverage: coverageOf(seen, facts),
    scores: [...seen.scores],
    ...(seen.filters.looks.length === 0 ? {} : { filters: [...seen.filters.looks] }),
    ...(seen.findings.length === 0 ? {} : { findings: [...seen.findings] }),
    firstByteMs: seen.firstByteMs,
    durationMs: seen.durationMs,
  }
}

function coverageOf(seen: Seen, facts: ReplyFacts): Coverage[] {
  const { request, lookedBy, isReply, reply, filters } = seen
  const { names } = filters
  const all: Coverage[] = [
    {
      part: 'request',
      bytes: request.bytes,
      did: 'inspected',
      by: [...lookedBy.request, ...names.request],
    },
  ]
  if (!isReply) {
    if (reply.bytes > 0) all.push({ part: 'error', bytes: reply.bytes, did: 'passed', by: [] })
    return all
  }
  const unsupported = new Set(facts.unsupported)
  for (const [part, bytes] of facts.bytes) {
    if (all.length === MAX_COVERAGE) break
    all.push({ part: part.slice(0, 64).toWellFormed(), bytes, ...howSeen(part) })
  }
  return all

  function howSeen(part: string): Pick<Coverage, 'did' | 'by'> {
    if (unsupported.has(part)) return { did: 'unsupported', by: [] }
    if (part === 'reply calls') return { did: 'inspected', by: ['tool-calls'] }
    const own = part === 'reply text' ? lookedBy.reply : []
    const by = TEXTS.has(part) ? [...own, ...names.reply] : []
    return by.length > 0 ? { did: 'inspected', by } : { did: 'passed', by }
  }
}
