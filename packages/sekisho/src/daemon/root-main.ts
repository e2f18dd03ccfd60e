import { serveRoot } from '../root/service.ts'
import { runChild } from './child-process.ts'

await runChild((supervisor) => serveRoot({ supervisor, now: () => new Date() }))
