import type { ModelApi } from '../../core/action.ts'
import { knownProvider } from '../known-providers.ts'
import { membersAt, valueAt } from './splice.ts'

/** Where a request goes. */
export type Place = {
  api: ModelApi
  host: string
  /** left out where its host alone tells */
  path?: string
}

/** By what a request of Chat Completions says how long its reply may be. */
export type OutputNames = {
  /** that whoever answers goes by, by its own documentation: the first is written where none is there */
  read: readonly [string, ...string[]]
  all: readonly string[]
}

const BOTH: OutputNames['read'] = ['max_completion_tokens', 'max_tokens']
const OLD: OutputNames['read'] = ['max_tokens']

/** Whose pages say that they go by the newer name as well; OpenAI's newer models refuse the older. */
const READING_BOTH: ReadonlyMap<string, OutputNames['read']> = new Map([
  ['openai', BOTH],
  ['azure', BOTH],
  ['anthropic', ['max_tokens', 'max_completion_tokens']],
  ['cerebras', ['max_tokens', 'max_completion_tokens']],
  ['groq', ['max_tokens', 'max_completion_tokens']],
  ['openrouter', ['max_tokens', 'max_completion_tokens']],
])

/**
 * Of servers that speak like OpenAI some know one name only, and read past the other: what stands under
 * it there limits nothing. So does Azure beside its paths of OpenAI, where it serves other models.
 */
export function chatOutputNames({ host, path = '/openai/' }: Place): OutputNames {
  const { id = '' } = knownProvider(host) ?? {}
  const isOther = id === 'azure' && !path.includes('/openai/')
  return { read: (isOther ? undefined : READING_BOTH.get(id)) ?? OLD, all: BOTH }
}

/**
 * How many tokens a reply may hold; null where no limit stands that its provider goes by.
 *
 * @param told the greatest limit of the body, by any name
 * @throws RequestFault for a body that is no object of JSON
 */
export function outputLimit(to: Place, body: Buffer, told: number | null): number | null {
  if (told === null || to.api !== 'chat') return told
  const { read, all } = chatOutputNames(to)
  if (all.every((name) => read.includes(name))) return told
  const { spans } = membersAt(body, 0)
  return read.some((name) => typeof valueAt(body, spans.get(name)) === 'number') ? told : null
}
