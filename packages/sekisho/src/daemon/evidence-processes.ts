import { constants } from 'node:fs'
import { open, readdir, readlink } from 'node:fs/promises'

/** What is kept of the processes of a session that tried to escape. */
export type ProcessTable = {
  processes: ProcessPicture[]
  /** processes that are not in the list: too many, or no time was left */
  omitted: number
  /**
   * whether all had stopped. Where not, nothing was read that needs a process's own memory: it can
   * back that by something which never answers, or hold its lock, and the reader would wait with it
   */
  isFrozen: boolean
}

export type ProcessPicture = {
  pid: number
  exe: string | null
  cwd: string | null
  /** as /proc has them; the process chose its names and arguments itself */
  stat: string | null
  status: string | null
  cgroup: string | null
  cmdline: string | null
  maps: string | null
  /** what each open descriptor leads to */
  descriptors: Record<string, string | null>
}

const MAX_PROCESSES = 256
const MAX_DESCRIPTORS = 256
const MAX_FILE_BYTES = 64 * 1024
const MAX_CMDLINE_BYTES = 4096
/** Reads at once: they are answered by threads of which there are four. */
const AT_ONCE = 4

/**
 * Takes no longer than `timeoutMs`, whatever the processes do; what is not read by then is left
 * out. A read that hangs ends when its process is killed.
 *
 * @param first pids that are read before others
 */
export async function pictureProcesses(options: {
  procsFile: string
  first: readonly number[]
  isFrozen: boolean
  timeoutMs: number
}): Promise<ProcessTable> {
  const { procsFile, first, isFrozen, timeoutMs } = options
  const processes: ProcessPicture[] = []
  const expired = Promise.withResolvers<'expired'>()
  const timer = setTimeout(() => expired.resolve('expired'), timeoutMs)
  let known = 0
  let isOver = false
  const readAll = async (): Promise<void> => {
    const listed = (await readSome(procsFile, 16 * MAX_FILE_BYTES)) ?? ''
    const pids = [...new Set([...first, ...listed.split(/\s+/).map(Number)])].filter(
      (pid) => Number.isInteger(pid) && pid > 0, // 0 is outside our process namespace
    )
    known = pids.length
    const queue = pids.slice(0, MAX_PROCESSES)
    const read = async (): Promise<void> => {
      for (let pid = queue.shift(); pid !== undefined && !isOver; pid = queue.shift()) {
        const picture = await pictureOf(pid, isFrozen)
        if (!isOver && picture.stat !== null) processes.push(picture)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, read))
  }
  try {
    await Promise.race([readAll(), expired.promise])
  } finally {
    isOver = true
    clearTimeout(timer)
  }
  return { processes, omitted: Math.max(0, known - processes.length), isFrozen }
}

async function pictureOf(pid: number, isFrozen: boolean): Promise<ProcessPicture> {
  const at = (file: string): string => `/proc/${pid}/${file}`
  return {
    pid,
    stat: await readSome(at('stat'), MAX_FILE_BYTES),
    status: await readSome(at('status'), MAX_FILE_BYTES),
    cgroup: await readSome(at('cgroup'), MAX_FILE_BYTES),
    exe: await linkOf(at('exe')),
    cwd: await linkOf(at('cwd')),
    cmdline: isFrozen ? await readSome(at('cmdline'), MAX_CMDLINE_BYTES) : null,
    maps: isFrozen ? await readSome(at('maps'), MAX_FILE_BYTES) : null,
    descriptors: await descriptorsOf(at('fd')),
  }
}

async function descriptorsOf(directory: string): Promise<Record<string, string | null>> {
  const names = await readdir(directory).catch(() => []) // it has ended
  const links: Record<string, string | null> = {}
  for (const name of names.slice(0, MAX_DESCRIPTORS)) {
    links[name] = await linkOf(`${directory}/${name}`)
  }
  return links
}

/** null for what is not there (any more) */
async function readSome(path: string, maxBytes: number): Promise<string | null> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => null)
  if (file === null) return null
  try {
    const into = Buffer.alloc(maxBytes)
    let length = 0
    while (length < maxBytes) {
      const { bytesRead } = await file.read(into, length, maxBytes - length)
      if (bytesRead === 0) break
      length += bytesRead
    }
    return into.toString('utf8', 0, length).toWellFormed()
  } catch {
    return null // ESRCH: it ended in between
  } finally {
    await file.close()
  }
}

async function linkOf(path: string): Promise<string | null> {
  return (await readlink(path).catch(() => null))?.toWellFormed() ?? null
}
