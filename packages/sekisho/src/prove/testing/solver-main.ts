import { ipcTransport } from '../../wire/transport.ts'
import { serveSolver } from '../solver-service.ts'

/** As the daemon's own entry does it, for tests of what the process needs. */
const service = await serveSolver({
  supervisor: ipcTransport(process),
  now: () => performance.now(),
  end: (error) => {
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  },
})
process.once('disconnect', () => {
  void service.stop().then(() => process.exit(0))
})
process.send?.('ready')
