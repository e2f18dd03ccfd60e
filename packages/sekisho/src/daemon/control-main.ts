import { randomBytes } from 'node:crypto'
import { sessionIdFrom } from '../core/ids.ts'
import { serveControl } from '../control/service.ts'
import { runChild } from './child-process.ts'

await runChild(async (supervisor) =>
  serveControl({
    supervisor,
    version: process.argv[2] ?? 'unknown',
    newSessionId: () => sessionIdFrom(randomBytes(20)),
    now: () => new Date(),
  }),
)
