import type { CommandCall } from '../../core/action.ts'
import { type ArgumentValue, hasUnknown, membersOf } from './argument-value.ts'
import { tellingOf } from './shell/telling-variables.ts'
import { UNKNOWN_COMMAND } from './tool-reading.ts'

/** Where a session's commands run if nothing else is said. */
const USUAL = /^(?:\.?|\/workspace\/?)$/

/** Names under which tools that run lines take a directory to run them in, and variables. */
const DIRECTORIES = ['workdir', 'cwd', 'dir_path', 'directory', 'action.working_directory']
const VARIABLES = ['env', 'action.env']

/**
 * What a call says of where a line runs: `cat ./shadow` in `/etc` names a file there, and with
 * `PATH` set `git` is no git.
 *
 * @param at one of the call's arguments
 */
export function readSurroundings(at: (name: string) => ArgumentValue | undefined): {
  commands: CommandCall[]
  paths: string[]
} {
  const directories = DIRECTORIES.map(at).filter((each) => each !== undefined && each !== null)
  const variables = VARIABLES.map((name) => at(name) ?? null)
  const isUnknown = [...directories, ...variables].some(hasUnknown) || variables.some(isTelling)
  return {
    commands: isUnknown ? [UNKNOWN_COMMAND] : [],
    paths: directories.flatMap((each) =>
      typeof each === 'string' && !USUAL.test(each) ? [each] : [],
    ),
  }
}

/** An object, or a list of `NAME=value`. */
function isTelling(variables: ArgumentValue): boolean {
  const pairs: [string, ArgumentValue][] = Array.isArray(variables)
    ? variables.map((each) => splitPair(each))
    : Object.entries(membersOf(variables))
  return pairs.some(([name, value]) => {
    return tellingOf(name, typeof value === 'string' ? value : '') !== 'nothing'
  })
}

function splitPair(pair: ArgumentValue): [string, string] {
  const text = typeof pair === 'string' ? pair : ''
  const [name = '', value = ''] = text.split(/=(.*)/s)
  return [name, value]
}
