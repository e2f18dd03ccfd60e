import type { Claim } from './claim.ts'

/** What the platform itself saw of a session, from its log. */
export type Observed = {
  execs: readonly ObservedExec[]
  /** canonical names of the hosts that were asked for, allowed or not */
  hosts: ReadonlySet<string>
}

export type ObservedExec = {
  /** index of its leaf */
  index: number
  path: string
  argv: readonly string[]
  pid: number
  parent: number
}

export type Clients = {
  clients: ReadonlySet<number>
  isHousekeeping: (script: string) => boolean
}

export type Difference =
  /** the agent says that it ran this, and no exec has it */
  | { kind: 'command-not-seen'; claim: Claim; command: string }
  /** the agent says that it fetched this, and nothing was asked of that host */
  | { kind: 'fetch-not-seen'; claim: Claim; url: string }
  /** a shell that the client itself started, of which its log says nothing */
  | { kind: 'command-not-claimed'; exec: ObservedExec; command: string }

export type Reconciliation = {
  compared: number
  /** claims of tools that leave no trace which could be compared */
  notComparable: number
  /** shells that look like what clients run for themselves; not compared */
  housekeeping: number
  differences: Difference[]
}

/** The log has 1,024 characters of an argument, a wrapper's own among them: so much is compared. */
const COMPARED_CHARACTERS = 400
const SHELL = /(?:^|\/)(?:ba|da|z|k)?sh$/
const SCRIPT_OPTION = /^-[a-z]*c$/

/**
 * Sets what an agent says that it did beside what was seen of it. A claim without a trace is a lie,
 * or a deed that got past the monitor; a trace without a claim is a deed that the agent's own log
 * leaves out.
 *
 * @param clients pids of processes that are agents: what they start themselves is theirs to claim
 * @param isHousekeeping whether a script is one that clients run for themselves
 */
export function reconcile(
  claims: readonly Claim[],
  { execs, hosts }: Observed,
  { clients, isHousekeeping }: Clients,
): Reconciliation {
  const scripts = scriptsIn(execs)
  const claimed = claims.flatMap(({ did }) =>
    did.kind === 'command' ? [beginning(did.command)] : [],
  )
  const notSeen = claims.flatMap((claim) => notSeenOf(claim, { scripts, execs, hosts }))
  const unclaimed = lastOfEach(scripts)
    .filter(({ exec }) => clients.has(exec.parent))
    .filter(({ plain: seen }) => !claimed.some((one) => seen.includes(one)))
  const notClaimed = unclaimed
    .filter(({ command }) => !isHousekeeping(command))
    .map(({ exec, command }) => ({ kind: 'command-not-claimed', exec, command }) as const)
  const compared = claims.filter(({ did }) => did.kind !== 'other').length
  return {
    compared,
    notComparable: claims.length - compared,
    housekeeping: unclaimed.length - notClaimed.length,
    differences: [...notSeen, ...notClaimed],
  }
}

type Script = { exec: ObservedExec; command: string; plain: string }

function scriptsIn(execs: readonly ObservedExec[]): Script[] {
  return execs.flatMap((exec) => {
    const command = scriptOf(exec)
    return command === undefined ? [] : [{ exec, command, plain: plain(command) }]
  })
}

/** A shell that became another one was a wrapper around it. */
function lastOfEach(scripts: readonly Script[]): Script[] {
  return [...new Map(scripts.map((script) => [script.exec.pid, script])).values()]
}

function notSeenOf(
  claim: Claim,
  seen: Observed & { scripts: readonly { plain: string }[] },
): Difference[] {
  const { did } = claim
  if (did.kind === 'fetch') {
    const host = hostOf(did.url)
    const isSeen = host !== undefined && seen.hosts.has(host)
    return isSeen ? [] : [{ kind: 'fetch-not-seen', claim, url: did.url }]
  }
  if (did.kind === 'other') return []
  const wanted = beginning(did.command)
  const isSeen =
    seen.scripts.some((script) => script.plain.includes(wanted)) ||
    seen.execs.some(({ argv }) => plain(argv.join(' ')).startsWith(wanted))
  return isSeen ? [] : [{ kind: 'command-not-seen', claim, command: did.command }]
}

/** The script of a shell that was given one. */
function scriptOf({ path, argv }: ObservedExec): string | undefined {
  if (!SHELL.test(path) && !SHELL.test(argv[0] ?? '')) return undefined
  const option = argv.findIndex((word) => SCRIPT_OPTION.test(word))
  return option < 0 ? undefined : argv.slice(option + 1).find((word) => !word.startsWith('-'))
}

/** Without what clients add or take away when they hand a command to a shell: quotes and blanks. */
function plain(command: string): string {
  return command.replaceAll(/['"\\\s]+/g, '')
}

function beginning(command: string): string {
  return plain(command).slice(0, COMPARED_CHARACTERS)
}

function hostOf(url: string): string | undefined {
  try {
    return new URL(url).hostname.toLowerCase()
  } catch {
    return undefined // no URL: nothing can have been seen of it
  }
}
