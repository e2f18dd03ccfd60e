import { serveKeyholder } from '../keyholder/service.ts'
import { runChild } from './child-process.ts'

await runChild((supervisor) =>
  serveKeyholder({
    stateDir: process.argv[2] ?? '',
    now: () => new Date(),
    supervisor,
  }),
)
