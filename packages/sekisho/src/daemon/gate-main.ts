import { serveGate } from '../gate/service.ts'
import { runChild } from './child-process.ts'

await runChild(async (supervisor) =>
  serveGate({
    supervisor,
    now: () => Date.now(),
    dnsServers: process.argv.slice(2),
  }),
)
