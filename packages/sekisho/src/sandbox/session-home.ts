import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const MADE = 'made by Sekisho for this session; read-only inside'

const SHELL = [
  '.bashrc',
  '.bash_profile',
  '.bash_login',
  '.bash_logout',
  '.profile',
  '.zshenv',
  '.zshrc',
  '.zprofile',
  '.zlogin',
  '.inputrc',
  '.curlrc',
  '.wgetrc',
  '.npmrc',
] as const

/** Without a name, `git commit` refuses; a repository's own configuration still wins. */
const GIT = `# ${MADE}
[user]
	name = Sekisho agent
	email = agent@sekisho.invalid
[protocol "ext"]
	allow = never
`

/**
 * What shells and tools would take their orders from, in every session the same. `.netrc`, `.ssh`
 * and the clients' own directories (`.claude`, `.codex`) stay free: no credential gets there, and
 * the clients write them for themselves. They live in the session's memory and end with it.
 */
const FILES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(SHELL.map((name) => [name, `# ${MADE}\n`])),
  '.gitconfig': GIT,
  '.vimrc': `" ${MADE}\n`,
  '.config/git/config': '',
  '.config/git/attributes': '',
  '.config/git/ignore': '',
  '.config/pip/pip.conf': '',
}
/** Nothing may be added here: git, for one, runs what its directory says. */
const CLOSED = ['.config/git', '.config/pip'] as const
const SHARED = ['.config'] as const

export type HomeOwners = {
  /** host id of the session's uid 0, which nothing inside can become */
  rootId: number
  /** host id of the agent */
  agentId: number
}

/**
 * Furnishes the empty home of a session: start files that the agent can read and neither change,
 * remove nor rename away. No mounts are needed: home belongs to the session's root and is sticky,
 * so the agent adds what it likes and removes only what is its own (`unlink(2)`, EPERM).
 *
 * @param directory on the host; empty, and on a file system of this session alone
 */
export function furnishHome(directory: string, { rootId, agentId }: HomeOwners): void {
  for (const path of [...SHARED, ...CLOSED]) mkdirSync(join(directory, path))
  for (const [path, text] of Object.entries(FILES)) {
    writeFileSync(join(directory, path), text, { flag: 'wx', mode: 0o444 })
    own(join(directory, path), { owner: rootId, group: rootId, mode: 0o444 })
  }
  for (const path of CLOSED)
    own(join(directory, path), { owner: rootId, group: rootId, mode: 0o555 })
  for (const path of ['', ...SHARED]) {
    own(join(directory, path), { owner: rootId, group: agentId, mode: 0o1770 })
  }
}

function own(path: string, to: { owner: number; group: number; mode: number }): void {
  chownSync(path, to.owner, to.group)
  chmodSync(path, to.mode) // after the owner, whose change would take the sticky bit away
}
