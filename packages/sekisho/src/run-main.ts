import { enterOwnNamespace } from './cli/own-namespace.ts'
import { report } from './cli/report.ts'
import { run } from './cli/run.ts'
import { flush, terminal } from './cli/terminal.ts'

/**
 * `sekisho run` and nothing else, for the launcher: set-up bundles this into one file, because
 * loading a dozen modules costs as much as the whole session (bench `session-start`).
 */
async function main(): Promise<number> {
  const argv = process.argv.slice(2)
  try {
    enterOwnNamespace(process.env)
    return await run.run(argv, terminal)
  } catch (thrown) {
    return report('run', thrown, terminal)
  }
}

void main().then(async (code) => {
  await flush()
  process.exit(code)
})
