import { ipcTransport } from '../../wire/transport.ts'
import { serveKeyholder } from '../service.ts'

/**
 * A keyholder that waits, loaded, until it is told its state directory: so that a run of kills does
 * not spend its time on loading programs. To be killed.
 */
process.once('message', (stateDir: string) => {
  const supervisor = ipcTransport(process)
  serveKeyholder({ stateDir, now: () => new Date(), supervisor }).then(
    () => process.send?.('ready'),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`)
      process.exit(1)
    },
  )
})
process.send?.('loaded')
