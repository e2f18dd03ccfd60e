import { ipcTransport } from '../../wire/transport.ts'
import { serveKeyholder } from '../service.ts'

/** A keyholder in a process of its own, as the daemon starts it. argv: state directory. */
const [stateDir = ''] = process.argv.slice(2)
await serveKeyholder({ stateDir, now: () => new Date(), supervisor: ipcTransport(process) })
process.send?.('ready')
