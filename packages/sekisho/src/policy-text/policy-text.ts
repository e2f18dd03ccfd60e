import { askCedar, cedarLibrary } from './cedar-library.ts'
import type { LoadedPolicy } from './load-policy.ts'

/** A policy as its author wrote it, or as Cedar writes what the platform has of its own. */
export async function policyText(
  id: string,
  { cedar, decision }: Pick<LoadedPolicy, 'cedar' | 'decision'>,
): Promise<string | undefined> {
  const source = cedar.sources.get(id)
  if (source !== undefined) return source.text
  const known = decision(1).cedar.find((policy) => policy.id === id)
  if (known === undefined) return undefined
  const library = await cedarLibrary()
  const json: Parameters<typeof library.policyToText>[0] = JSON.parse(JSON.stringify(known.policy))
  const answer = askCedar(() => library.policyToText(json))
  return answer.type === 'success' ? answer.text : undefined
}
