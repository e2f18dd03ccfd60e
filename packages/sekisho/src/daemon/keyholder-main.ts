import { serveKeyholder } from '../keyholder/service.ts'
import { runChild } from './child-process.ts'

await runChild((supervisor) =>
  serveKeyholder({
    stateDir: process.argv[2] ?? '',
    root: process.argv[3] === 'external' ? 'external' : 'derived',
    trustDomain: process.argv[4],
    now: () => new Date(),
    supervisor,
  }),
)
