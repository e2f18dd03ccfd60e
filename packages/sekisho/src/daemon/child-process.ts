import { SekishoError, toSekishoError } from '../core/error.ts'
import type { Transport } from '../wire/peer.ts'
import { ipcTransport } from '../wire/transport.ts'
import type { ChildFailure } from './child-failure.ts'

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
  process.send('ready', undefined, {}, (error) => {
    if (error !== null) process.exit(1) // nobody is there to serve
  })
}

/** The supervisor says it, as its own: one clear error with its hint. */
function endWith(thrown: unknown): Promise<never> {
  const { code, message, hint, cause } = toSekishoError(thrown)
  const because = cause instanceof Error ? cause.message : null
  const failure: ChildFailure = { failed: { code, message, hint: hint ?? null, cause: because } }
  return new Promise(() => {
    process.send?.(failure, undefined, {}, () => process.exit(1))
  })
}
