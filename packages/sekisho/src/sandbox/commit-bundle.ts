import { randomBytes } from 'node:crypto'
import { appendFile, chown, copyFile, constants, mkdir, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { mountOverlay, unmount } from '../kernel/mounts.ts'
import { runGit } from './clone-workspace.ts'
import { copyRepository } from './repository-copy.ts'

export type CommitOptions = {
  /** the clone as it was at the session's start */
  clone: string
  /** the session's layer over it */
  upper: string
  /** a directory of root's alone, for what is made on the way */
  directory: string
  /** host id that owns nothing else: git runs as it */
  owner: number
}

export type Commit = { hash: string; author: string; subject: string }

const TIMEOUT_MS = 60_000
const MAX_COMMITS = 1000
const MAX_LOG_BYTES = 4 * 1024 * 1024

/**
 * The commits that a session made on any branch, newest first, at most 1,000.
 *
 * @throws SekishoError WORKSPACE_INVALID when its repository is broken
 */
export function readCommits(options: CommitOptions): Promise<Commit[]> {
  return withRepository(options, async ({ git, out, range }) => {
    const format = '--format=tformat:%H%x1f%an%x1f%s%x1e'
    const bounds = [`--max-count=${MAX_COMMITS}`, '--no-color', '--no-show-signature']
    await git(['log', ...bounds, format, '--output=/out/log', ...range])
    const text = (await readBounded(join(out, 'log'), MAX_LOG_BYTES)).toString()
    return text
      .split('\u001e')
      .map((record) => record.trim().split('\u001f'))
      .filter((fields) => fields.length === 3)
      .map(([hash = '', author = '', subject = '']) => ({ hash, author, subject }))
  })
}

/**
 * Writes the session's branches and tags, with the commits that the user lacks, into a bundle that
 * `git fetch` reads. Hooks and configuration cannot be in one.
 *
 * @param file must not exist
 * @throws SekishoError WORKSPACE_INVALID when there is nothing to take or the repository is broken
 */
export function writeBundle(options: CommitOptions, file: string): Promise<void> {
  return withRepository(options, async ({ git, out, range }) => {
    await git(['bundle', 'create', '-q', '/out/bundle', ...range])
    await copyFile(join(out, 'bundle'), file, constants.COPYFILE_EXCL).catch((cause: unknown) => {
      throw new SekishoError('WORKSPACE_INVALID', `${file} cannot be written`, {
        hint: 'name a file that does not exist yet',
        cause,
      })
    })
  })
}

type Repository = {
  git: (args: readonly string[]) => Promise<void>
  /** `/out` for git */
  out: string
  /** arguments that mean all of the session's commits, and none that the clone had */
  range: readonly string[]
}

/**
 * The session's repository is the agent's work as a whole, configuration and hooks included: git is
 * run on a copy of its data, never on itself.
 */
async function withRepository<Result>(
  options: CommitOptions,
  work: (repository: Repository) => Promise<Result>,
): Promise<Result> {
  const { clone, upper, owner } = options
  const directory = join(options.directory, `.commits-${randomBytes(8).toString('hex')}`)
  const repository = join(directory, 'repository')
  const out = join(directory, 'out')
  const merged = join(directory, 'merged')
  await mkdir(directory, { mode: 0o700 })
  try {
    for (const path of [merged, repository, out]) await mkdir(path, { mode: 0o755 })
    for (const path of [repository, out]) await chown(path, owner, owner)
    await copyMerged({ clone, upper, merged }, { repository, owner })
    return await work({
      git: (args) => runGit({ repository, owner, args, out }),
      out,
      range: await rangeOf(repository, clone),
    })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function copyMerged(
  layers: { clone: string; upper: string; merged: string },
  { repository, owner }: { repository: string; owner: number },
): Promise<void> {
  const { clone, upper, merged } = layers
  const options = ['redirect_dir=nofollow', 'metacopy=off', 'index=off', 'xino=off']
  mountOverlay({ lower: [upper, clone], target: merged, options })
  try {
    const endsAtMs = performance.now() + TIMEOUT_MS
    await copyRepository({ source: join(merged, '.git'), target: repository, owner, endsAtMs })
  } finally {
    unmount(merged)
  }
}

/** What the clone led to is written down as references: there may be more than arguments can be. */
async function rangeOf(repository: string, clone: string): Promise<string[]> {
  const packed = await readFile(join(clone, '.git/packed-refs'), 'utf8')
  const hashes = new Set(packed.split('\n').map((line) => line.split(' ')[0] ?? ''))
  const known = [...hashes].filter((hash) => hash !== '')
  const lines = known.map((hash, i) => `${hash} refs/sekisho/${i}\n`)
  await appendFile(join(repository, '.git/packed-refs'), lines.join(''))
  const head = await readFile(join(repository, '.git/HEAD'), 'utf8')
  const detached = head.startsWith('ref: ') ? [] : ['HEAD']
  return ['--branches', '--tags', ...detached, '--not', '--glob=refs/sekisho/*']
}

async function readBounded(path: string, maxBytes: number): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    const buffer = Buffer.alloc(Math.min(maxBytes, (await file.stat()).size))
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}
