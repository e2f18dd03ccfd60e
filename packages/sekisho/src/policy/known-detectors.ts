import { SekishoError } from '../core/error.ts'
import type { Treatments } from '../wire/policy.ts'
import type { AgentFile } from './agent-schema.ts'
import { suggest } from './nearest.ts'
import { isDetectorKey } from './treatment.ts'

/** One entry of `treatments` that names detectors rather than a class. */
type Named = { agent: string; where: string; key: string }

/** Where these agents name detectors by id or by its beginning. */
export function namedDetectors(agents: readonly AgentFile[]): readonly Named[] {
  return agents.flatMap((agent) => {
    const { name, inspection, rules, setup } = agent
    const places: [string, Treatments | undefined][] = [
      ['inspection', inspection.treatments],
      ...[...rules, ...(setup?.rules ?? [])].map(
        ({ id, treatments }): [string, Treatments | undefined] => [`rule ${id}`, treatments],
      ),
    ]
    return places.flatMap(([where, treatments]) =>
      Object.keys(treatments ?? {})
        .filter(isDetectorKey)
        .map((key) => ({ agent: name, where, key })),
    )
  })
}

/**
 * A misspelt detector would be treated as if the file said nothing of it.
 *
 * @param ids of all detectors there are
 * @throws SekishoError CONFIG_INVALID naming the first that is none
 */
export function requireKnownDetectors(named: readonly Named[], ids: readonly string[]): void {
  for (const { agent, where, key } of named) {
    const isKnown = key.endsWith('*')
      ? ids.some((id) => id.startsWith(key.slice(0, -1)))
      : ids.includes(key)
    if (isKnown) continue
    const problem = `agent ${agent}: ${where}: treatments: there is no detector \`${key}\``
    throw new SekishoError('CONFIG_INVALID', problem, {
      hint: suggest(key, ids, 'docs/guides/detectors.md lists them'),
    })
  }
}
