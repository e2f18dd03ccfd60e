import { anthropicScript } from './anthropic-script.ts'
import { bedrockScript, signedBedrockScript } from './bedrock-script.ts'
import { chatScript } from './chat-script.ts'
import { geminiScript } from './gemini-script.ts'
import { openaiScript } from './openai-script.ts'
import { type Script, type ScriptedServer, startScriptedServer } from './scripted-server.ts'
import { makeTestAuthority } from './test-authority.ts'
import type { SpellShell, Turn } from './turn.ts'

type MakeScript = (turns: readonly Turn[], shell: SpellShell) => Script

export const PROVIDERS = {
  anthropic: { host: 'api.anthropic.com', script: anthropicScript },
  openai: { host: 'api.openai.com', script: bothOfOpenai },
  bedrock: { host: 'bedrock-runtime.us-east-1.amazonaws.com', script: bedrockScript },
  bedrockSigned: {
    host: 'bedrock-runtime.us-east-1.amazonaws.com',
    script: signedBedrockScript,
  },
  google: { host: 'generativelanguage.googleapis.com', script: geminiScript },
} as const satisfies Record<string, { host: string; script: MakeScript }>

export type Provider = keyof typeof PROVIDERS

/** Responses and Chat Completions are told apart by their path. */
function bothOfOpenai(turns: readonly Turn[], shell: SpellShell): Script {
  const [responses, chat] = [openaiScript(turns, shell), chatScript(turns, shell)]
  return (request) => (request.target.startsWith('/v1/chat/') ? chat(request) : responses(request))
}

export type ModelServer = ScriptedServer & {
  /** PEM of the authority that signed the server's certificate */
  caFile: string
}

export type ModelServerOptions = {
  directory: string
  provider: Provider
  turns: readonly Turn[]
  shell: SpellShell
  listen?: { address: string; port: number }
}

/**
 * A scripted model under its provider's own host name, on loopback, with an authority of its own
 * in `directory`. Without `listen` the system chooses a port of loopback.
 */
export async function startModelServer(options: ModelServerOptions): Promise<ModelServer> {
  const { host, script } = PROVIDERS[options.provider]
  const authority = await makeTestAuthority(options.directory, { name: 'Scripted model' })
  const certificate = await authority.issue('model', [host])
  const said = script(options.turns, options.shell)
  const server = await startScriptedServer(certificate, said, options.listen)
  return { ...server, caFile: authority.certFile }
}
