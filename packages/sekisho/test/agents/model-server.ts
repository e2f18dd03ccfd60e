import { anthropicScript, type Turn } from './anthropic-script.ts'
import { type ScriptedServer, startScriptedServer } from './scripted-server.ts'
import { makeTestAuthority } from './test-authority.ts'

export type ModelServer = ScriptedServer & {
  /** PEM of the authority that signed the server's certificate */
  caFile: string
}

/** A scripted Anthropic model at `host`, with an authority of its own below `directory`. */
export async function startModelServer(options: {
  directory: string
  host: string
  turns: readonly Turn[]
  port?: number
}): Promise<ModelServer> {
  const authority = await makeTestAuthority(options.directory, { name: 'Scripted model' })
  const certificate = await authority.issue('model', [options.host])
  const listen = options.port === undefined ? {} : { port: options.port }
  const server = await startScriptedServer(certificate, anthropicScript(options.turns), listen)
  return { ...server, caFile: authority.certFile }
}
