import type { CommandCall, ToolCallAction } from '../../core/action.ts'
import { unmapAddress } from '../../core/address.ts'
import { canonicalHost } from '../../core/host.ts'

/** What a proposed call would do, as rules and policies ask about it. */
export type CallReading = {
  /** names of the programs, and paths of those that are called by one */
  programs: readonly string[]
  /** canonical names and addresses of the URLs */
  hosts: readonly string[]
  /** normal: without dot segments, except `..` at the start of one that climbs out */
  paths: readonly string[]
  /** a program or an argument is known only when it runs, or nobody can say where a URL leads */
  isUnknown: boolean
  /** nobody can say where one of its URLs leads */
  hasStrangeUrl: boolean
}

export function readCall(call: ToolCallAction): CallReading {
  const hosts = call.urls.map(hostOf)
  const hasStrangeUrl = hosts.includes(undefined)
  return {
    programs: [...new Set(call.commands.flatMap(namesOf))],
    hosts: [...new Set(hosts.filter((host) => host !== undefined))],
    paths: [...new Set(call.paths.map(normalPath))],
    isUnknown: hasStrangeUrl || call.commands.some(isRunTime),
    hasStrangeUrl,
  }
}

/** Whether a command has a part that is known only when it runs. */
export function isRunTime({ program, args }: CommandCall): boolean {
  return program === null || args.includes(null)
}

function namesOf({ program }: CommandCall): readonly string[] {
  if (program === null) return []
  return program.includes('/') ? [baseName(program), normalPath(program)] : [program]
}

/** What stands behind the last slash: by it a policy knows `/usr/bin/curl` and `./curl` as curl. */
export function baseName(program: string): string {
  return program.slice(program.lastIndexOf('/') + 1)
}

/**
 * `a/./b//../c` as `a/c`: by its words alone, since what is a link is known only where it lies. A
 * trailing slash goes.
 */
export function normalPath(path: string): string {
  const isAbsolute = path.startsWith('/')
  const parts: string[] = []
  for (const part of path.split('/').filter((each) => each !== '' && each !== '.')) {
    const isStep = part !== '..' || ['..', undefined].includes(parts.at(-1))
    if (isStep) parts.push(part)
    else parts.pop()
  }
  // POSIX: the root's parent is the root
  if (isAbsolute) return `/${parts.filter((part) => part !== '..').join('/')}`
  return parts.length === 0 ? '.' : parts.join('/')
}

/** Programs disagree about a URL that is none: curl and a browser take `a\@b` and `///a` to two places. */
const AMBIGUOUS = /[\\\s\p{C}]|:\/\/\//u

/** @returns undefined where it is not certain what is reached */
function hostOf(text: string): string | undefined {
  if (AMBIGUOUS.test(text)) return undefined
  const { hostname } =
    URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`) ?? {}
  if (hostname === undefined || hostname === '') return undefined
  if (hostname.startsWith('[')) return unmapAddress(hostname.slice(1, -1))
  return /^\d+\.\d+\.\d+\.\d+$/.test(hostname) ? hostname : canonicalHost(hostname)
}
