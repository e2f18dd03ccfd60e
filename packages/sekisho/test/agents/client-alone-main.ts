/**
 * A client and its scripted model, alone in a network namespace. Argument: an `AlonePlan` as
 * JSON. Prints an `AloneReport` as JSON.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Executed, execute } from './execute.ts'
import { type Provider, startModelServer } from './model-server.ts'
import type { RecordedRequest } from './scripted-server.ts'
import type { Turn } from './turn.ts'

export type AlonePlan = {
  directory: string
  provider: Provider
  turns: readonly Turn[]
  command: readonly [string, ...string[]]
  /** without the authority's variable, which this program adds */
  env: Readonly<Record<string, string>>
  cwd: string
  timeoutMs: number
}

export type AloneReport = { ran: Executed; requests: readonly RecordedRequest[] }

async function main(plan: AlonePlan): Promise<AloneReport> {
  const { provider, turns, command, cwd, timeoutMs } = plan
  const directory = join(plan.directory, 'ca')
  await mkdir(directory)
  const model = await startModelServer({ directory, provider, turns, port: 443 })
  const env = { ...plan.env, SSL_CERT_FILE: model.caFile }
  const ran = await execute(command, { cwd, env, timeoutMs })
  await model.close()
  return { ran, requests: model.requests }
}

process.stdout.write(JSON.stringify(await main(JSON.parse(process.argv[2] ?? ''))))
