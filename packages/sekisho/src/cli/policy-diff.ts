import { SekishoError } from '../core/error.ts'
import { type Difference, diffPolicies } from '../policy-text/bundle-diff.ts'
import type { Terminal } from './command.ts'
import { jsonFlag } from './flags.ts'
import { readBundle } from './policy-bundle.ts'
import { compareWith, describeChange } from './policy-prove.ts'
import { printable } from './terminal.ts'

const COMPARISON_TIMEOUT_MS = 30_000

/** What a bundle says that another does not, and whether it allows more. 0 always: it only tells. */
export async function diffBundles(
  usage: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { values, positionals } = jsonFlag(usage, argv)
  const [first, second, ...more] = positionals
  if (first === undefined || second === undefined || more.length > 0) {
    throw new SekishoError('USAGE', 'want two directories', { hint: `usage: ${usage}` })
  }
  const before = await readBundle(first, terminal)
  const after = await readBundle(second, terminal)
  const differences = diffPolicies(before.policy, after.policy)
  const comparison = await compareWith(before.policy, after.policy, COMPARISON_TIMEOUT_MS)
  if (values['json'] === true) {
    terminal.out(JSON.stringify({ differences, comparison }))
    return 0
  }
  if (differences.length === 0) terminal.out('  they say the same')
  for (const line of differences.flatMap(describe)) terminal.out(printable(line))
  for (const line of describeChange(comparison)) terminal.out(line)
  return 0
}

function describe({ part, name, change, detail }: Difference): readonly string[] {
  const sign = { added: '+', removed: '-', changed: '~' }[change]
  return [`  ${sign} ${part} ${name}`, ...detail.map((line) => `      ${line}`)]
}
