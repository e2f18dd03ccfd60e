import { constants } from 'node:fs'
import { lstat, mkdir, open, readdir, readlink, symlink } from 'node:fs/promises'
import { basename, dirname, join, posix } from 'node:path'

/**
 * What of the host's /etc a session may see: settings of installed programs, nothing about the
 * machine, its users, its network or its registries (npmrc, pip.conf, wgetrc, gitconfig may hold
 * passwords, and so may Maven's settings.xml). Paths are exact, or end in `*`.
 */
export const HOST_ETC: readonly string[] = [
  'alternatives',
  'bash.bashrc',
  // without `apikeys`, which would be a credential of the host's
  'chromium.d/default-flags',
  'chromium.d/dev-shm',
  'chromium.d/extensions',
  'debian_version',
  'emacs',
  'fonts',
  'gai.conf',
  'groff',
  'host.conf',
  'inputrc',
  'java-*',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'locale.alias',
  'localtime',
  'magic',
  'magic.mime',
  'maven/logging',
  'maven/m2.conf',
  'mime.types',
  'nanorc',
  'networks',
  'os-release',
  'perl',
  'php',
  'protocols',
  'python3*',
  'rpc',
  'services',
  'shells',
  'terminfo',
  'timezone',
  'vim',
]

const MAX_FILES = 20_000
const MAX_FILE_BYTES = 8 * 1024 * 1024
const MAX_DEPTH = 12

export type EtcCopy = {
  /** paths below /etc, in order */
  copied: readonly string[]
  skipped: readonly { path: string; reason: string }[]
}

type Copying = {
  source: string
  target: string
  copied: string[]
  skipped: EtcCopy['skipped'][number][]
}

/**
 * Copies the allowed part of `source` (the host's /etc) into the directory `target`.
 *
 * Only what every user of the host may read anyway: a file or directory without read permission
 * for others is left out, and so is a link that leads out of /etc and /usr. What was left out is
 * listed.
 */
export async function copyHostEtc(source: string, target: string): Promise<EtcCopy> {
  const copying: Copying = { source, target, copied: [], skipped: [] }
  const names = (await readdir(source)).sort()
  for (const pattern of HOST_ETC) {
    const [first = ''] = pattern.split('/')
    for (const name of names.filter((candidate) => matches(first, candidate))) {
      await copyNamed(copying, first === pattern ? name : pattern)
    }
  }
  return { copied: copying.copied, skipped: copying.skipped }
}

function matches(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
}

async function copyNamed(copying: Copying, path: string): Promise<void> {
  if (path.includes('/')) {
    if (!(await isDirectory(join(copying.source, dirname(path))))) return
    await mkdir(join(copying.target, dirname(path)), { recursive: true, mode: 0o755 })
    if (!(await readdir(join(copying.source, dirname(path)))).includes(basename(path))) return
  }
  await copyEntry(copying, path, 0)
}

async function isDirectory(path: string): Promise<boolean> {
  return (await lstat(path)).isDirectory()
}

async function copyEntry(copying: Copying, path: string, depth: number): Promise<void> {
  const status = await lstat(join(copying.source, path))
  if (copying.copied.length >= MAX_FILES || depth > MAX_DEPTH)
    return skip(copying, path, 'too many')
  if (status.isSymbolicLink()) return copyLink(copying, path)
  if ((status.mode & 0o004) === 0) return skip(copying, path, 'not readable for others')
  if (status.isDirectory()) return copyDirectory(copying, path, depth)
  if (status.isFile()) return copyFile(copying, path)
  skip(copying, path, 'neither file, directory nor link')
}

async function copyDirectory(copying: Copying, path: string, depth: number): Promise<void> {
  await mkdir(join(copying.target, path), { mode: 0o755 })
  copying.copied.push(path)
  for (const name of (await readdir(join(copying.source, path))).sort()) {
    await copyEntry(copying, join(path, name), depth + 1)
  }
}

async function copyLink(copying: Copying, path: string): Promise<void> {
  const link = await readlink(join(copying.source, path))
  const resolved = posix.resolve('/etc', posix.dirname(path), link)
  if (!/^\/(etc|usr)\//.test(resolved)) return skip(copying, path, `leads to ${resolved}`)
  await symlink(link, join(copying.target, path))
  copying.copied.push(path)
}

async function copyFile(copying: Copying, path: string): Promise<void> {
  const file = await open(join(copying.source, path), constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    // asked again of the opened file: it may have been replaced since
    const status = await file.stat()
    if (!status.isFile() || (status.mode & 0o004) === 0) return skip(copying, path, 'changed')
    if (status.size > MAX_FILE_BYTES) return skip(copying, path, 'too large')
    const copy = await open(
      join(copying.target, path),
      'wx',
      (status.mode & 0o111) === 0 ? 0o644 : 0o755,
    )
    try {
      await copy.writeFile(await file.readFile())
    } finally {
      await copy.close()
    }
    copying.copied.push(path)
  } finally {
    await file.close()
  }
}

function skip(copying: Copying, path: string, reason: string): void {
  copying.skipped.push({ path, reason })
}
