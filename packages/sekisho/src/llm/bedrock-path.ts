import { decodeName } from './google-path.ts'
import type { PathRoute } from './provider-path.ts'

const MODEL_PATH = /\/model\/(?<model>[^/]+)\/(?<method>[a-z-]+)$/
/** What a server with another idea of segments might take for the above. */
const NEARLY = /(?:^|\/)model\/.+\/(?:invoke|converse)[^/]*$/

/** Calls whose replies are put into a bucket of the account. */
const PUT_OFF = /\/async-invoke$/

/** Agents, flows and answers from a knowledge base, which call models at the provider. */
const AGENTS =
  /\/(?:agents\/.+|inlineagents|flows\/.+|retrieveandgenerate(?:stream)?|optimize-prompt|generatequery)$/i

/** What may stand in front of the name of a maker; a region's profile is of the same model. */
const BEFORE_MAKER =
  '^(?:arn:aws[a-z-]*:bedrock:[a-z0-9-]*:\\d*:(?:foundation-model|inference-profile)/)?' +
  '(?:(?:us|us-gov|ca|sa|eu|uk|me|af|apac|jp|au|global)\\.)?'

/** A profile that an account has made does not say in its name whose model is behind it. */
const ANTHROPIC = new RegExp(`${BEFORE_MAKER}anthropic\\.claude[\\w.:-]*$`)
const EMBEDDING = new RegExp(`${BEFORE_MAKER}[a-z0-9-]+\\.[\\w-]*embed[\\w.:-]*$`)

const CONVERSE =
  "the Converse format, which nobody here reads: use invoke with a model of Anthropic's, or the path for OpenAI clients"
const OTHER_MAKER =
  'a model whose name does not say that it is of Anthropic: its format is one that nobody here reads'
const ELSEWHERE = 'a call whose reply goes elsewhere: only one that comes back is looked into'
const BY_AGENT = 'an agent of the provider, whose calls of models nobody here reads'
const UNCLEAR = 'a path that does not say in one way which model it means'

/** Of the Bedrock runtime; its paths in the formats of others are read as theirs. */
export function readBedrockPath(path: string): PathRoute | undefined {
  const { model, method } = MODEL_PATH.exec(path)?.groups ?? {}
  if (model === undefined || method === undefined) return readOther(path)
  const name = decodeName(model)
  const at = routeTo(name)
  // escaped twice, or not as UTF-8: another model to whoever undoes it once more
  return name.includes('%') ? { ...at, unread: UNCLEAR } : readMethod(method, name)
}

function readOther(path: string): PathRoute | undefined {
  if (PUT_OFF.test(path)) return { ...routeTo(null), unread: ELSEWHERE }
  if (AGENTS.test(path)) return { ...routeTo(null), unread: BY_AGENT }
  return NEARLY.test(path) ? { ...routeTo(null), unread: UNCLEAR } : undefined
}

function readMethod(method: string, name: string): PathRoute {
  const at = routeTo(name)
  switch (method) {
    case 'count-tokens':
      return { ...at, operation: 'count-tokens' }
    case 'invoke':
      if (EMBEDDING.test(name)) return { ...at, operation: 'embeddings' }
      return { ...at, unread: unreadOf(name) }
    case 'invoke-with-response-stream':
      return { ...at, stream: true, framing: 'bedrock', unread: unreadOf(name) }
    default:
      return { ...at, stream: method.endsWith('-stream'), unread: CONVERSE }
  }
}

function unreadOf(name: string): string | null {
  return ANTHROPIC.test(name) ? null : OTHER_MAKER
}

function routeTo(model: string | null): PathRoute {
  return { api: 'messages', operation: 'generate', model, stream: false, unread: null }
}
