import { writeFileSync } from 'node:fs'
import { SekishoError } from '../core/error.ts'
import { FENCE_KINDS, type FenceKind, isFenceKind, writeFence } from '../policy/export/all.ts'
import type { Terminal } from './command.ts'
import { jsonFlag } from './flags.ts'
import { readBundle } from './policy-bundle.ts'

/** Writes the outer fence for one agent, or for all of the bundle, to a file or to stdout. */
export async function exportFence(
  usage: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { values, positionals } = jsonFlag(usage, argv, {
    to: { type: 'string' },
    agent: { type: 'string' },
    out: { type: 'string' },
  })
  const { to, agent, out } = values
  const kind = readKind(to, usage)
  const { bundle, policy } = await readBundle(positionals[0], terminal)
  const names = typeof agent === 'string' ? [agent] : bundle.agents
  const sources = names.map((name) => {
    const file = bundle.agent(name)
    const setup = bundle.setupPolicyOf(file)?.rules ?? null
    return { agent: file, rules: bundle.policyOf(file).rules, setup }
  })
  const text = writeFence(kind, { digest: policy.digest, sources, nowMs: Date.now() })
  if (typeof out !== 'string') {
    terminal.out(text.trimEnd())
    return 0
  }
  writeOut(out, text)
  terminal.err(`${out}: ${kind} for ${names.join(', ')}`)
  return 0
}

function readKind(to: unknown, usage: string): FenceKind {
  if (typeof to === 'string' && isFenceKind(to)) return to
  const given = typeof to === 'string' ? `no fence \`${to}\`` : '--to is missing'
  throw new SekishoError('USAGE', `${given}; there are ${FENCE_KINDS.join(', ')}`, {
    hint: `usage: ${usage}`,
  })
}

/** @throws SekishoError USAGE when the file cannot be written */
export function writeOut(path: string, text: string): void {
  try {
    writeFileSync(path, text)
  } catch (cause) {
    throw new SekishoError('USAGE', `${path} cannot be written`, {
      hint: 'name a file in a directory that you may write to',
      cause,
    })
  }
}
