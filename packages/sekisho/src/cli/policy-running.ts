import { pathsFrom } from '../daemon/paths.ts'
import { api } from '../wire/api.ts'
import type { GenerationInForce, PolicyStatus } from '../wire/policy-status.ts'
import { connect } from './client.ts'
import type { Terminal } from './command.ts'
import { jsonFlag, noPositional } from './flags.ts'
import { printable } from './terminal.ts'

/** A proof takes up to 10 s, and every gate compiles. */
const RELOAD_TIMEOUT_MS = 60_000

/** `sekisho policy reload`: returns when every action is decided by the files as they are now. */
export async function reloadPolicy(
  usage: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { values, positionals } = jsonFlag(usage, argv)
  noPositional(usage, positionals)
  const peer = await connect(pathsFrom(process.env).apiSocket, api)
  try {
    const reloaded = await peer.call('policy.reload', {}, { timeoutMs: RELOAD_TIMEOUT_MS })
    if (values['json'] === true) terminal.out(JSON.stringify(reloaded))
    else {
      const { generation, isNew } = reloaded
      terminal.out(`generation ${generation} ${isNew ? 'came into force' : 'is in force already'}`)
      for (const line of describe(reloaded)) terminal.out(line)
    }
    return 0
  } finally {
    peer.close()
  }
}

/** `sekisho policy status`: 1 where the files are not what is in force, or a process decides otherwise. */
export async function policyStatus(
  usage: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { values, positionals } = jsonFlag(usage, argv)
  noPositional(usage, positionals)
  const peer = await connect(pathsFrom(process.env).apiSocket, api)
  const status = await peer.call('policy.status', {}).finally(() => peer.close())
  const isSound = status.inForce !== null && status.refused === null && status.drift.length === 0
  if (values['json'] === true) terminal.out(JSON.stringify(status))
  else for (const line of describeStatus(status)) terminal.out(line)
  return isSound ? 0 : 1
}

export function describeStatus(status: PolicyStatus): readonly string[] {
  const { inForce, processes, drift } = status
  return [
    ...(inForce === null
      ? ['no generation is in force']
      : [`generation ${inForce.generation}`, ...describe(inForce)]),
    `  the next   ${describeNext(status)}`,
    ...processes.map(({ name, policies }) => {
      const isSame = policies.length > 0 && policies.every((one) => one === inForce?.digest)
      const digests = policies.length === 0 ? 'none' : policies.join(', ')
      return `  ${name.padEnd(10)} ${isSame ? 'the same' : digests}`
    }),
    ...describeRefused(status),
    ...drift,
  ]
}

function describeNext({ operators, isFirst }: PolicyStatus): string {
  if (operators === null) return 'is signed by those whom its operators.yaml names'
  if (operators.length === 0) return 'needs no signature: operators.yaml names nobody'
  const names = operators.join(', ')
  return isFirst
    ? `is the first, and is signed by one of its own: ${names}`
    : `is signed by one of ${names} where it narrows, by two otherwise`
}

function describeRefused({ refused }: PolicyStatus): readonly string[] {
  if (refused === null) return []
  return [
    `refused: ${refused.digest ?? 'the files cannot be read'}`,
    ...refused.reason.split('\n').map((line) => `  ${printable(line)}`),
    ...(refused.hint === null ? [] : [`  hint: ${printable(refused.hint)}`]),
  ]
}

function describe(inForce: GenerationInForce): readonly string[] {
  const { digest, change, detail, signers, closed, since } = inForce
  return [
    `  digest     ${digest}`,
    ...detail
      .split('\n')
      .map((line, index) =>
        index === 0
          ? `  change     ${change}: ${printable(line)}`
          : `             ${printable(line)}`,
      ),
    `  signed by  ${signers.length === 0 ? 'nobody' : signers.join(', ')}`,
    `  since      ${since}; ${closed} streams that it forbids were closed`,
  ]
}
