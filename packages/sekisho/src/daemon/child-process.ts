import { SekishoError, toSekishoError } from '../core/error.ts'
import type { Transport } from '../wire/peer.ts'
import { ipcTransport } from '../wire/transport.ts'

/**
 * The common frame of every child's entry: a transport to the supervisor, `ready` once `serve`
 * has its handlers in place, and an end as soon as the supervisor is gone.
 */
export async function runChild(
  serve: (supervisor: Transport) => Promise<{ stop(): Promise<void> }>,
): Promise<void> {
  if (process.send === undefined) {
    throw new SekishoError('USAGE', 'this file is started by the supervisor', {
      hint: 'run `sekisho serve`',
    })
  }
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(signal, () => undefined)
  const service = await serve(ipcTransport(process)).catch(endWith)
  process.once('disconnect', () => {
    const insist = setTimeout(() => process.exit(1), 3000)
    insist.unref()
    service.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${String(error)}\n`)
        process.exit(1)
      },
    )
  })
  process.send('ready')
}

/** One clear error with its hint; the supervisor says which process it is from. */
function endWith(thrown: unknown): never {
  const error = toSekishoError(thrown)
  process.stderr.write(`${error.code}: ${error.message}\n`)
  if (error.cause instanceof Error) process.stderr.write(`cause: ${error.cause.message}\n`)
  if (error.hint !== undefined) process.stderr.write(`hint: ${error.hint}\n`)
  process.exit(1)
}
