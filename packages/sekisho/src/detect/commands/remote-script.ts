import type { CommandRule } from './command-rule.ts'
import { codeSources, runsFileOf } from './flows.ts'
import { codeOf, isFetcher } from './programs.ts'
import { programOf, type SeenCommand } from './seen-command.ts'

const FETCHES =
  /\b(?:urlopen|urlretrieve|requests\.get|httpx\.get|fetch|http\.get|https\.get|open-uri|file_get_contents|LWP::Simple)\b/
const RUNS =
  /\b(?:exec|eval|system|popen|check_output|check_call|subprocess|runInThisContext|Function)\b/

/** Code from elsewhere that runs without having been looked at. */
export const remoteScript: CommandRule = {
  id: 'command.remote-script',
  matches: (seen, place) => {
    const command = seen[place]
    if (command === undefined) return false
    return (
      codeSources(seen, place).some((source) => fetches(seen[source])) ||
      // `curl -o x … && sh x`, and with `chmod +x x; ./x`
      runsFileOf(seen, place, fetches) ||
      codeOf(command).some((code) => FETCHES.test(code) && RUNS.test(code))
    )
  },
}

function fetches(command: SeenCommand | undefined): boolean {
  return command !== undefined && isFetcher(programOf(command))
}
