import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { chown, mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { runJailed } from './images/jail.ts'
import { copyRepository } from './repository-copy.ts'

export type CloneOptions = {
  /** the user's directory, with a repository of its own */
  workspace: string
  /** does not exist yet; its parent is root's alone. It stands in for the workspace afterwards */
  into: string
  /** host id that owns nothing else: git runs as it, and the clone belongs to it */
  owner: number
}

/** Below what a session's start may take. */
const TIMEOUT_MS = 20_000
const KEEP_FREE_BYTES = 256 * 1024 * 1024

/** Of ours and of nobody else: no file of the machine and no variable of the caller's is read. */
const ENVIRONMENT = {
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_ATTR_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_ALLOW_PROTOCOL: '',
  GIT_OPTIONAL_LOCKS: '0',
  LC_ALL: 'C.UTF-8',
  HOME: '/nonexistent',
} as const

/** Beside a configuration that is ours already: what would run a program is off by name. */
const SETTINGS = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.attributesFile=/dev/null',
  'core.excludesFile=/dev/null',
  'core.pager=cat',
  'core.editor=false',
  'protocol.allow=never',
  'submodule.recurse=false',
  'gc.auto=0',
  'maintenance.auto=false',
].flatMap((setting) => ['-c', setting])

/**
 * A fresh clone of a user's repository with the files of its HEAD: what is committed, nothing else.
 *
 * The repository may be hostile. Its data is copied by {@link copyRepository}; git sees that copy
 * alone, as an unprivileged user in a jail, to write out the files.
 *
 * @throws SekishoError WORKSPACE_INVALID, DEPENDENCY_MISSING, TIMEOUT; then nothing is left
 */
export async function cloneWorkspace({ workspace, into, owner }: CloneOptions): Promise<void> {
  await mkdir(into, { mode: 0o755 })
  try {
    await chown(into, owner, owner)
    const endsAtMs = performance.now() + TIMEOUT_MS
    await copyRepository({ source: join(workspace, '.git'), target: into, owner, endsAtMs })
    if (commitOf(into) !== undefined)
      await runGit({ repository: into, owner, args: ['reset', '-q', '--hard'] })
  } catch (error) {
    await rm(into, { recursive: true, force: true })
    throw error
  }
}

/**
 * A name for what lies below a session's changes: the branch of HEAD and the commit that it led to.
 * More commits, branches and tags beside it make no difference to a layer above.
 */
export function baseOfClone(clone: string): string {
  const hash = createHash('sha256').update(`${headOf(clone)} ${commitOf(clone) ?? 'none'}`)
  return `sha256:${hash.digest('hex')}`
}

/** Of a fresh clone, whose references are all in one file. Undefined before the first commit. */
function commitOf(clone: string): string | undefined {
  const head = headOf(clone)
  if (!head.startsWith('ref: ')) return head
  const ref = ` ${head.slice('ref: '.length)}`
  const refs = readFileSync(join(clone, '.git/packed-refs'), 'utf8').split('\n')
  return refs.find((line) => line.endsWith(ref))?.split(' ')[0]
}

function headOf(clone: string): string {
  return readFileSync(join(clone, '.git/HEAD'), 'utf8').trim()
}

export type GitRun = {
  /** of {@link copyRepository}; bound writable, and with it what lies beside it when asked for */
  repository: string
  owner: number
  args: readonly string[]
  /** a directory for what git writes, seen as `/out`, of `owner` */
  out?: string
}

/** @throws SekishoError WORKSPACE_INVALID with git's last words, DEPENDENCY_MISSING, TIMEOUT */
export async function runGit({ repository, owner, args, out }: GitRun): Promise<void> {
  const output = out === undefined ? [] : [{ source: out, name: 'out', isWritable: true }]
  try {
    await runJailed({
      directory: join(dirname(repository), '.jail'),
      uid: owner,
      command: ['/usr/bin/git', '-C', '/repository', ...SETTINGS, ...args],
      binds: [{ source: repository, name: 'repository', isWritable: true }, ...output],
      environment: ENVIRONMENT,
      network: 'none',
      readsAll: false,
      timeoutMs: TIMEOUT_MS,
      keepFree: { path: repository, bytes: KEEP_FREE_BYTES },
    })
  } catch (error) {
    throw inOurWords(error)
  }
}

function inOurWords(error: unknown): unknown {
  if (!(error instanceof SekishoError)) return error
  const hints: Record<string, readonly ['WORKSPACE_INVALID' | 'DEPENDENCY_MISSING', string]> = {
    ROOTFS_INVALID: ['WORKSPACE_INVALID', 'run `git fsck` in it, or use mode: overlay'],
    DEPENDENCY_MISSING: ['DEPENDENCY_MISSING', 'install the Debian package git'],
  }
  const known = hints[error.code]
  return known === undefined
    ? error
    : new SekishoError(known[0], `the repository: ${error.message}`, {
        hint: known[1],
        cause: error,
      })
}
