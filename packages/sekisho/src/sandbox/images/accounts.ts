import { AGENT_HOME, AGENT_ID } from '../layout.ts'

const NOBODY = 65_534
const MAX_ID = 0xffff_fffe
const MAX_LINES = 10_000

/**
 * A root file system's own passwd(5) with `agent` in it: whatever had that name or id before is
 * replaced, for `whoami` must not tell of somebody else. Lines that are no entries are left out.
 *
 * @param own as found, or empty
 * @param shell absolute, inside
 */
export function passwdWithAgent(own: string, shell: string): string {
  const entries = entriesOf(own, 7)
  const missing = (name: string, id: number): boolean =>
    !entries.some((entry) => entry.name === name || entry.id === id)
  return asText([
    ...(missing('root', 0) ? ['root:x:0:0:root:/root:/usr/sbin/nologin'] : []),
    ...entries.map(({ line }) => line),
    `agent:x:${AGENT_ID}:${AGENT_ID}:agent:${AGENT_HOME}:${shell}`,
    ...(missing('nobody', NOBODY)
      ? [`nobody:x:${NOBODY}:${NOBODY}:nobody:/nonexistent:/usr/sbin/nologin`]
      : []),
  ])
}

/** As {@link passwdWithAgent}, for group(5). */
export function groupWithAgent(own: string): string {
  const entries = entriesOf(own, 4)
  const missing = (name: string, id: number): boolean =>
    !entries.some((entry) => entry.name === name || entry.id === id)
  return asText([
    ...(missing('root', 0) ? ['root:x:0:'] : []),
    // pseudo terminals are mounted with gid 5
    ...(missing('tty', 5) ? ['tty:x:5:'] : []),
    ...entries.map(({ line }) => line),
    `agent:x:${AGENT_ID}:`,
    ...(missing('nogroup', NOBODY) ? [`nogroup:x:${NOBODY}:`] : []),
  ])
}

type Entry = { line: string; name: string; id: number }

function entriesOf(text: string, fieldCount: number): Entry[] {
  const entries: Entry[] = []
  for (const line of text.split('\n').slice(0, MAX_LINES)) {
    const fields = line.split(':')
    const [name = '', , id = ''] = fields
    if (fields.length !== fieldCount || !isName(name) || !isId(id) || hasControl(line)) continue
    if (name !== 'agent' && Number(id) !== AGENT_ID) entries.push({ line, name, id: Number(id) })
  }
  return entries
}

/** NIS's `+` and `-` lines are not entries: they say where to look further. */
function isName(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.@$-]{0,63}$/.test(name)
}

/** Digits alone: what strtoul(3) would make of `+1000` or of a number that wraps is an id again. */
function isId(id: string): boolean {
  return /^\d{1,10}$/.test(id) && Number(id) <= MAX_ID
}

function hasControl(line: string): boolean {
  return Array.from(line).some((character) => character < ' ' || character === '\u007f')
}

function asText(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`
}
