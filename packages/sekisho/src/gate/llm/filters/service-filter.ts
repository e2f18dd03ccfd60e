import { SekishoError, toSekishoError } from '../../../core/error.ts'
import { readStrictJson } from '../../../llm/hold/strict-json.ts'
import type { LlmFilter } from '../../../wire/llm.ts'
import { FILTER_KINDS } from './all.ts'
import type { ChannelFinding, ContentFilter, FilterQuestion, FilterText } from './content-filter.ts'
import { questionTexts } from './question-texts.ts'

/** An answer lists what was found, not the text. */
export const MAX_ANSWER_BYTES = 262_144
/** More text is not looked at by services that are paid by the character, which is a failure. */
export const MAX_QUESTIONS = 32
const AT_ONCE = 4

/** One request to a service, which goes out as the platform's own. */
export type FilterRequest = {
  settings: LlmFilter
  path: string
  query: string | null
  body: Buffer
  /** of an answer */
  maxBytes: number
  /** @param credential its value, released for this one exchange */
  headers: (credential: string) => Readonly<Record<string, string>>
  signal: AbortSignal
}

/** @throws SekishoError when there is no whole answer */
export type FilterPost = (request: FilterRequest) => Promise<{ status: number; body: Buffer }>

/** Asks a service over HTTP, as its kind writes questions and reads answers. */
export function openServiceFilter(settings: LlmFilter, post: FilterPost): ContentFilter {
  const kind = FILTER_KINDS[settings.kind]
  return {
    name: settings.id,
    isFor: (channel) => settings.channels.includes(channel) && kind.channels.includes(channel),
    look: async (texts, signal) => {
      const parts = questionTexts(texts, { ...kind, maxParts: MAX_QUESTIONS + 1 })
      if (parts.length > MAX_QUESTIONS) {
        throw failed(settings, 'there is more text than it is asked about')
      }
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(settings.timeoutMs)])
      const asking = { settings, post, signal: deadline }
      const findings = await inTime(askAll(parts, asking), asking)
      const sure = strongest(findings).filter(({ permille }) => permille >= settings.minPermille)
      return { findings: sure, questions: parts.length }
    },
  }
}

type Asking = { settings: LlmFilter; post: FilterPost; signal: AbortSignal }

async function askAll(parts: readonly FilterText[], asking: Asking): Promise<ChannelFinding[]> {
  const found: ChannelFinding[] = []
  for (let at = 0; at < parts.length; at += AT_ONCE) {
    const answers = parts.slice(at, at + AT_ONCE).map((part) => ask(part, asking))
    found.push(...(await Promise.all(answers)).flat())
  }
  return found
}

/** A log that is slow is no reason to wait for longer. */
async function inTime<T>(work: Promise<T>, { settings, signal }: Asking): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(failed(settings, 'it took too long', { code: 'TIMEOUT' }))
  signal.addEventListener('abort', onAbort)
  try {
    return await Promise.race([work, late])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

async function ask(part: FilterText, asking: Asking): Promise<ChannelFinding[]> {
  const { settings, post, signal } = asking
  const kind = FILTER_KINDS[settings.kind]
  const question = kind.question(part)
  const { status, body } = await post({
    settings,
    path: settings.basePath + question.path,
    query: question.query ?? null,
    body: Buffer.from(JSON.stringify(question.body)),
    maxBytes: MAX_ANSWER_BYTES,
    headers: (credential) => kind.headers(credential),
    signal,
  }).catch((thrown: unknown) => {
    const { message } = toSekishoError(thrown)
    throw failed(settings, `it cannot be asked: ${message.slice(0, 256)}`, { cause: thrown })
  })
  if (status !== 200) throw failed(settings, `it answers ${status}`)
  return readAnswers(question, { body, settings }).map((found) => ({
    ...found,
    channel: part.channel,
  }))
}

function readAnswers(
  question: FilterQuestion,
  { body, settings }: { body: Buffer; settings: LlmFilter },
): ReturnType<FilterQuestion['read']> {
  const read = readStrictJson(body.toString('utf8'))
  if ('problem' in read) throw failed(settings, `its answer is ${read.problem}`)
  return question.read(read.value)
}

/** Of each id in a channel, the surest. */
function strongest(found: readonly ChannelFinding[]): ChannelFinding[] {
  const byKey = new Map<string, ChannelFinding>()
  for (const each of found) {
    const key = `${each.channel} ${each.id}`
    const before = byKey.get(key)
    if (before === undefined || before.permille < each.permille) byKey.set(key, each)
  }
  return [...byKey.values()]
}

function failed(
  { id, kind }: LlmFilter,
  why: string,
  {
    code = 'UPSTREAM_FAILED',
    cause,
  }: { code?: 'UPSTREAM_FAILED' | 'TIMEOUT'; cause?: unknown } = {},
): SekishoError {
  return new SekishoError(code, `the filter ${id} (${kind}) has not looked: ${why}`, {
    hint: 'see its url and credential in models.yaml, and docs/guides/filters.md',
    cause,
  })
}
