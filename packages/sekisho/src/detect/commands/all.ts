import type { ToolDoing } from '../../core/action.ts'
import type { CommandRule } from './command-rule.ts'
import { credentialRead } from './credential-read.ts'
import { destroy } from './destroy.ts'
import { encoded } from './encoded.ts'
import { exfiltration } from './exfiltration.ts'
import { persistence } from './persistence.ts'
import { isCredentialFile, isMetadataAddress, isPersistentPlace } from './places.ts'
import { remoteScript } from './remote-script.ts'
import { reverseShell } from './reverse-shell.ts'
import type { SeenCommand } from './seen-command.ts'

const COMMAND_RULES: readonly CommandRule[] = [
  remoteScript,
  reverseShell,
  destroy,
  persistence,
  credentialRead,
  exfiltration,
  encoded,
]

/** Ids of what is found in tool calls; a policy may name them. */
export const COMMAND_DETECTOR_IDS: readonly string[] = COMMAND_RULES.map(({ id }) => id)

/**
 * What the commands of a line look like. They are the model's own words: a signal, which somebody
 * who knows the rules gets around.
 */
export function findInCommands(seen: readonly SeenCommand[]): ReadonlySet<string> {
  const found = COMMAND_RULES.filter(({ matches }) => seen.some((_, place) => matches(seen, place)))
  return new Set(found.map(({ id }) => id))
}

/** The same of the files and addresses that a tool is given. */
export function findInPlaces(places: {
  does: ToolDoing
  paths: readonly string[]
  urls: readonly string[]
}): ReadonlySet<string> {
  const found = new Set<string>()
  const { does, paths, urls } = places
  if (does === 'write' && paths.some(isPersistentPlace)) found.add(persistence.id)
  const isRead = does !== 'shell' && paths.some(isCredentialFile)
  if (isRead || urls.some(isMetadataAddress)) found.add(credentialRead.id)
  return found
}
