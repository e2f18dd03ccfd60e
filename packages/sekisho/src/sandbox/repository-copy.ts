import { constants } from 'node:fs'
import { chown, copyFile, type FileHandle, mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { OpenDirectory } from './open-tree.ts'

export type CopyOptions = {
  /** a repository's own directory, `.git`; its content may be anybody's */
  source: string
  /** of the new repository; gets a `.git` */
  target: string
  /** host id of the new repository's owner */
  owner: number
  /** `performance.now()` at which it is given up */
  endsAtMs: number
}

/** What of a repository is data: which commits there are and what they are made of. */
type Refs = { head: string; refs: ReadonlyMap<string, string> }

const MAX_REF_BYTES = 1024
const MAX_PACKED_BYTES = 64 * 1024 * 1024
const MAX_REFS = 200_000
const MAX_OBJECT_FILES = 2_000_000
const MAX_DEPTH = 32
const HASH = /^([0-9a-f]{40}|[0-9a-f]{64})$/
const LOOSE = { directory: /^[0-9a-f]{2}$/, file: /^([0-9a-f]{38}|[0-9a-f]{62})$/ } as const
const PACK = /^pack-([0-9a-f]{40}|[0-9a-f]{64})\.(pack|idx|rev)$/
/** git-check-ref-format(1), and only what a clone takes */
const REF = /^refs\/(heads|tags)(\/(?!\.)(?:[A-Za-z0-9_+=,!#%&'"()<>|;$@-]|\.(?!\.)|\P{ASCII})+)+$/u

/**
 * Copies the data of a repository, and nothing that git would obey: no hooks, no configuration, no
 * attributes, no alternates, no submodules, no replaced objects, no index. Git is not run on the
 * source at all, and no link in it is followed; so nothing of it can run, whatever it says.
 *
 * @throws SekishoError WORKSPACE_INVALID for a repository that cannot be copied so
 */
export async function copyRepository(options: CopyOptions): Promise<void> {
  const source = await openRepository(options.source)
  try {
    const found = await readRefs(source)
    const shallow = await readShallow(source)
    const own = join(options.target, '.git')
    for (const path of ['', 'objects', 'objects/info', 'objects/pack', 'refs', 'refs/heads']) {
      await makeDirectory(join(own, path), options.owner)
    }
    for (const path of ['refs/tags', 'hooks', 'info']) {
      await makeDirectory(join(own, path), options.owner)
    }
    for (const [name, text] of Object.entries(filesOf(found, shallow))) {
      await writeOwned(join(own, name), text, options.owner)
    }
    await copyObjects(source, join(own, 'objects'), options)
  } finally {
    await source.close()
  }
}

async function openRepository(path: string): Promise<OpenDirectory> {
  let source: OpenDirectory
  try {
    source = await OpenDirectory.at(path)
  } catch (cause) {
    throw invalid('has no repository of its own', 'use mode: overlay, or run `git init`', cause)
  }
  try {
    await refuseElsewhere(source)
    return source
  } catch (error) {
    await source.close()
    throw error
  }
}

/** What lies elsewhere is not the user's to give: it could be anybody's repository. */
async function refuseElsewhere(source: OpenDirectory): Promise<void> {
  for (const name of ['commondir', 'reftable', 'objects/info/alternates']) {
    if (await has(source, name)) {
      throw invalid(`keeps part of its repository in ${name}`, 'make a full clone of it first')
    }
  }
}

async function has(directory: OpenDirectory, path: string): Promise<boolean> {
  return (await read(directory, path, 0)) !== undefined
}

/**
 * @param maxBytes a longer file is refused; 0 reads nothing
 * @returns undefined when there is none
 */
async function read(
  directory: OpenDirectory,
  path: string,
  maxBytes: number,
): Promise<string | undefined> {
  const names = path.split('/')
  const name = names.pop() ?? ''
  const opened: OpenDirectory[] = []
  let parent = directory
  try {
    for (const step of names) {
      if ((await parent.status(step)) === undefined) return undefined
      parent = await parent.directory(step)
      opened.push(parent)
    }
    if ((await parent.status(name)) === undefined) return undefined
    return maxBytes === 0 ? '' : await readFile(parent, name, maxBytes)
  } finally {
    for (const each of opened) await each.close()
  }
}

async function readFile(directory: OpenDirectory, name: string, max: number): Promise<string> {
  const file = await directory.file(name)
  try {
    const status = await file.stat()
    if (!status.isFile() || status.size > max) {
      throw invalid(`has a ${JSON.stringify(name)} that git would not have written`, 'look at it')
    }
    return (await file.readFile()).toString()
  } finally {
    await file.close()
  }
}

async function readRefs(source: OpenDirectory): Promise<Refs> {
  const refs = parsePacked((await read(source, 'packed-refs', MAX_PACKED_BYTES)) ?? '')
  await inside(source, 'refs', async (top) => {
    for (const kind of ['heads', 'tags']) {
      if ((await top.status(kind)) === undefined) continue
      await inside(top, kind, (directory) => readLoose(directory, `refs/${kind}`, refs))
    }
  })
  if (refs.size > MAX_REFS) throw invalid(`has more than ${MAX_REFS} references`, 'prune them')
  const head = ((await read(source, 'HEAD', MAX_REF_BYTES)) ?? '').trim()
  const isSound = HASH.test(head) || isRef(head.replace(/^ref: /, ''))
  if (!isSound) throw invalid('has a HEAD that leads nowhere', 'run `git status` in it')
  return { head, refs }
}

function parsePacked(text: string): Map<string, string> {
  const refs = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [hash = '', name = ''] = line.split(' ')
    if (HASH.test(hash) && isRef(name)) refs.set(name, hash)
  }
  return refs
}

async function readLoose(
  directory: OpenDirectory,
  path: string,
  refs: Map<string, string>,
): Promise<void> {
  if (path.split('/').length > MAX_DEPTH) throw invalid('nests references too deep', 'rename them')
  for (const name of (await directory.names()).names) {
    const status = await directory.status(name)
    const ref = `${path}/${name}`
    if (status?.isDirectory() === true) {
      await inside(directory, name, (below) => readLoose(below, ref, refs))
    } else if (status?.isFile() === true && isRef(ref)) {
      const hash = (await readFile(directory, name, MAX_REF_BYTES)).trim()
      if (HASH.test(hash)) refs.set(ref, hash)
    }
  }
}

async function inside<Result>(
  parent: OpenDirectory,
  name: string,
  work: (directory: OpenDirectory) => Promise<Result>,
): Promise<Result> {
  const directory = await parent.directory(name)
  try {
    return await work(directory)
  } finally {
    await directory.close()
  }
}

function isRef(name: string): boolean {
  return REF.test(name) && !/\.lock(\/|$)|\.(\/|$)|@\{/.test(name) && name.length <= MAX_REF_BYTES
}

async function readShallow(source: OpenDirectory): Promise<string | undefined> {
  const text = await read(source, 'shallow', MAX_PACKED_BYTES)
  const lines = text?.split('\n').filter((line) => HASH.test(line)) ?? []
  return lines.length === 0 ? undefined : `${lines.join('\n')}\n`
}

/** The new repository's own files; its configuration is all ours. */
function filesOf({ head, refs }: Refs, shallow: string | undefined): Record<string, string> {
  const [some = head] = refs.values()
  const isSha256 = some.length === 64
  const sorted = [...refs].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return {
    HEAD: `${head}\n`,
    'packed-refs': sorted.map(([name, hash]) => `${hash} ${name}\n`).join(''),
    config: [
      '[core]',
      `\trepositoryformatversion = ${isSha256 ? 1 : 0}`,
      '\tfilemode = true',
      '\tbare = false',
      '\tlogallrefupdates = true',
      ...(isSha256 ? ['[extensions]', '\tobjectformat = sha256'] : []),
      '',
    ].join('\n'),
    ...(shallow === undefined ? {} : { shallow }),
  }
}

/** Objects are called by their content, which git checks when it reads them. */
async function copyObjects(
  source: OpenDirectory,
  target: string,
  options: CopyOptions,
): Promise<void> {
  const counter = { left: MAX_OBJECT_FILES }
  await inside(source, 'objects', async (objects) => {
    for (const name of (await objects.names()).names) {
      const isPack = name === 'pack'
      if (!isPack && !LOOSE.directory.test(name)) continue
      if (!isPack) await makeDirectory(join(target, name), options.owner)
      const wanted = isPack ? PACK : LOOSE.file
      await inside(objects, name, (directory) =>
        copyNamed(directory, join(target, name), { wanted, counter, ...options }),
      )
    }
  })
}

type Copying = CopyOptions & { wanted: RegExp; counter: { left: number } }

async function copyNamed(
  directory: OpenDirectory,
  target: string,
  { wanted, counter, owner, endsAtMs }: Copying,
): Promise<void> {
  for (const name of (await directory.names()).names) {
    if (!wanted.test(name)) continue
    if (counter.left-- <= 0 || performance.now() > endsAtMs) {
      throw invalid('has a repository too large to be cloned in time', 'use mode: overlay')
    }
    const file = await directory.file(name)
    try {
      if (!(await file.stat()).isFile()) continue
      await copyOpen(file, join(target, name), owner)
    } finally {
      await file.close()
    }
  }
}

/** Shares the blocks where the file system can. */
async function copyOpen(file: FileHandle, to: string, owner: number): Promise<void> {
  const { COPYFILE_EXCL, COPYFILE_FICLONE } = constants
  await copyFile(`/proc/self/fd/${file.fd}`, to, COPYFILE_EXCL | COPYFILE_FICLONE)
  await chown(to, owner, owner)
}

async function makeDirectory(path: string, owner: number): Promise<void> {
  await mkdir(path, { mode: 0o755 })
  await chown(path, owner, owner)
}

async function writeOwned(path: string, text: string, owner: number): Promise<void> {
  const file = await open(path, 'wx', 0o644)
  try {
    await file.writeFile(text)
    await file.chown(owner, owner)
  } finally {
    await file.close()
  }
}

function invalid(what: string, hint: string, cause?: unknown): SekishoError {
  return new SekishoError('WORKSPACE_INVALID', `the workspace ${what}`, { hint, cause })
}
