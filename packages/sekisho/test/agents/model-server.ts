import { anthropicScript } from './anthropic-script.ts'
import { openaiScript } from './openai-script.ts'
import { type Script, type ScriptedServer, startScriptedServer } from './scripted-server.ts'
import { makeTestAuthority } from './test-authority.ts'
import type { Turn } from './turn.ts'

export const PROVIDERS = {
  anthropic: { host: 'api.anthropic.com', script: anthropicScript },
  openai: { host: 'api.openai.com', script: openaiScript },
} as const satisfies Record<string, { host: string; script: (turns: readonly Turn[]) => Script }>

export type Provider = keyof typeof PROVIDERS

export type ModelServer = ScriptedServer & {
  /** PEM of the authority that signed the server's certificate */
  caFile: string
}

/**
 * A scripted model under its provider's own host name, on loopback, with an authority of its own
 * in `directory`. Without `port` the system chooses one.
 */
export async function startModelServer(options: {
  directory: string
  provider: Provider
  turns: readonly Turn[]
  port?: number
}): Promise<ModelServer> {
  const { host, script } = PROVIDERS[options.provider]
  const authority = await makeTestAuthority(options.directory, { name: 'Scripted model' })
  const certificate = await authority.issue('model', [host])
  const listen = options.port === undefined ? {} : { port: options.port }
  const server = await startScriptedServer(certificate, script(options.turns), listen)
  return { ...server, caFile: authority.certFile }
}
