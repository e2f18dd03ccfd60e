import type { AgentFile } from '../agent-schema.ts'
import { readHostPattern } from '../host-pattern.ts'
import { printable } from '../problem.ts'
import type { Draft } from './drafts.ts'

/** What a reviewer must know of a rule before it is added. */
export type Words = { opens: string; staysClosed: string; risks: readonly string[] }

const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])
const MAX_PATHS_SHOWN = 6

export function explain(draft: Draft, agent: AgentFile): Words {
  const { host, scheme, methods, paths, ports } = draft
  const methodList = methods.join(', ')
  const places = ports.map((port) => `${scheme}://${host}:${port}`).join(', ')
  const what = paths.length === 0 ? 'everything' : pathList(paths)
  return {
    opens: `${methodList} on ${what} at ${places}, with any query`,
    staysClosed: [
      `every method but ${methodList}`,
      ...(paths.length === 0 ? [] : ['every other path']),
      `other ports, names below ${host}`,
    ].join('; '),
    risks: [...basisRisks(draft), ...methodRisks(methods), ...placeRisks(draft, agent)],
  }
}

function pathList(paths: readonly string[]): string {
  const more = paths.length - MAX_PATHS_SHOWN
  const shown = paths.slice(0, MAX_PATHS_SHOWN).map((path) => printable(path, 96))
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '')
}

function basisRisks({ basis, paths }: Draft): string[] {
  const risks: string[] = []
  if (basis === 'name') {
    risks.push(
      'only the name was asked for: methods and paths are unknown, so all of it is opened to read; narrow it',
    )
  }
  if (basis === 'port') {
    risks.push('only the port was dialled: what would be spoken there is a guess; narrow it')
  }
  if (paths.some((path) => path.includes('*'))) {
    risks.push('a `*` takes any text within its segment: data can leave in it')
  }
  return risks
}

function methodRisks(methods: readonly string[]): string[] {
  const changing = methods.filter((method) => !SAFE.has(method))
  if (changing.length === 0) return []
  return [`${changing.join(', ')} carries a body: the host can keep whatever the agent sends`]
}

function placeRisks({ host, scheme, ports }: Draft, agent: AgentFile): string[] {
  const risks: string[] = []
  if (scheme === 'http') risks.push('in clear text: anyone on the way reads and changes it')
  if (ports.some((port) => port !== (scheme === 'http' ? 80 : 443))) risks.push('an unusual port')
  const shared = sharedParent(host)
  if (shared !== undefined) {
    risks.push(`names below ${shared} belong to many: make sure whose this one is`)
  }
  const secrets = agent.secrets.filter(({ hosts }) => hosts.includes(host)).map(({ name }) => name)
  if (secrets.length > 0) {
    risks.push(
      `credential ${secrets.join(', ')} is bound to this host and can be used with this rule`,
    )
  }
  return risks
}

/** A parent that a wildcard would be refused for, but for the suffixes of countries. */
function sharedParent(host: string): string | undefined {
  const labels = host.split('.')
  return labels
    .map((_, index) => labels.slice(index + 1).join('.'))
    .filter((parent) => parent.includes('.') && !/^[a-z]{2,3}\.[a-z]{2}$/.test(parent))
    .find((parent) => 'problem' in readHostPattern(`*.${parent}`))
}
