import { ARCHIVE_ROWS } from './archives.ts'
import { BUILD_ROWS } from './builds.ts'
import { EDITOR_ROWS } from './editors.ts'
import { GIT_ROWS } from './git.ts'
import { INTERPRETER_ROWS } from './interpreters.ts'
import type { LaunchRow } from './launch-row.ts'
import { NETWORK_ROWS } from './network.ts'
import { SYSTEM_ROWS } from './system.ts'
import { TOOL_ROWS } from './tools.ts'

/**
 * How programs run others, or code, because an option or an operand says so. GTFOBins is the
 * yardstick; what only runs with somebody at its terminal is not here.
 */
export const LAUNCH_ROWS: readonly LaunchRow[] = [
  ...GIT_ROWS,
  ...INTERPRETER_ROWS,
  ...EDITOR_ROWS,
  ...ARCHIVE_ROWS,
  ...NETWORK_ROWS,
  ...BUILD_ROWS,
  ...SYSTEM_ROWS,
  ...TOOL_ROWS,
]

const BY_NAME = new Map<string, LaunchRow[]>()
const BY_BEGINNING: [beginning: string, row: LaunchRow][] = []
for (const row of LAUNCH_ROWS) {
  for (const name of row.programs.split(' ')) {
    if (name.endsWith('*')) BY_BEGINNING.push([name.slice(0, -1), row])
    else BY_NAME.set(name, [...(BY_NAME.get(name) ?? []), row])
  }
}

/** @param program without its directory */
export function launchRowsOf(program: string): readonly LaunchRow[] {
  const versioned = BY_BEGINNING.filter(([beginning]) => isVersionOf(program, beginning))
  const named = BY_NAME.get(program) ?? []
  return versioned.length === 0 ? named : [...named, ...versioned.map(([, row]) => row)]
}

/** `python3.11`, `clang-15`, `qemu-aarch64`: of `lua`, not `luacheck`. */
function isVersionOf(program: string, beginning: string): boolean {
  if (!program.startsWith(beginning)) return false
  return beginning.endsWith('-') || /^[-.\d]*$/.test(program.slice(beginning.length))
}
