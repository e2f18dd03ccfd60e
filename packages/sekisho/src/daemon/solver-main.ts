import { serveSolver } from '../prove/solver-service.ts'
import { runChild } from './child-process.ts'

await runChild((supervisor) =>
  serveSolver({
    supervisor,
    now: () => performance.now(),
    end: (error) => {
      process.stderr.write(`solver: ${error.message}\n`)
      process.exit(1)
    },
  }),
)
