/**
 * A client and its scripted model, alone in a network namespace. Argument: an `AlonePlan` as
 * JSON. Prints an `AloneReport` as JSON.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { clientNamed } from './clients/all.ts'
import { type Executed, execute } from './execute.ts'
import { startModelServer } from './model-server.ts'
import type { RecordedRequest } from './scripted-server.ts'
import type { Turn } from './turn.ts'

export type AlonePlan = {
  directory: string
  /** id of one of clients/all.ts */
  client: string
  /** where the model listens */
  address: string
  turns: readonly Turn[]
  command: readonly [string, ...string[]]
  /** without the authority's variable, which this program adds */
  env: Readonly<Record<string, string>>
  cwd: string
  timeoutMs: number
}

export type AloneReport = { ran: Executed; requests: readonly RecordedRequest[] }

async function main(plan: AlonePlan): Promise<AloneReport> {
  const { turns, command, cwd, timeoutMs } = plan
  const { provider, shell } = clientNamed(plan.client)
  const directory = join(plan.directory, 'ca')
  await mkdir(directory)
  const listen = { address: plan.address, port: 443 }
  const model = await startModelServer({ directory, provider, turns, shell, listen })
  const env = { ...plan.env, SSL_CERT_FILE: model.caFile, NODE_EXTRA_CA_CERTS: model.caFile }
  const ran = await execute(command, { cwd, env, timeoutMs })
  await model.close()
  return { ran, requests: model.requests }
}

process.stdout.write(JSON.stringify(await main(JSON.parse(process.argv[2] ?? ''))))
