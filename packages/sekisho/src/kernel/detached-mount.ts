import { SekishoError } from '../core/error.ts'
import { attemptSyscall, check, errnoOf, libc, systemCallFailed } from './libc.ts'

/** What a file system is told: a string, or true for an option that is a mere word. */
export type FileSystemOptions = Readonly<Record<string, string | true>>

export type FileSystem = {
  /** such as `ext4` */
  type: string
  options: FileSystemOptions
  readOnly?: boolean
  noExec?: boolean
  /** for a tmpfs that holds device nodes of ours; false wherever anybody else can write */
  hasDevices?: boolean
}

const SYS = { fsopen: 430, fsconfig: 431, fsmount: 432, fspick: 433 } as const
const FSOPEN_CLOEXEC = 1
const FSMOUNT_CLOEXEC = 1
const FSPICK_CLOEXEC = 1
const FSPICK_SYMLINK_NOFOLLOW = 2
const CONFIG = { flag: 0, string: 1, create: 6, reconfigure: 7 } as const
const ATTRIBUTE = { readOnly: 1, noSetuid: 2, noDevices: 4, noExec: 8 } as const
const AT_FDCWD = -100
const MAX_MESSAGE_BYTES = 1024
const MAX_MESSAGES = 16

/**
 * Mounts a file system nowhere: only the descriptor holds it, as `/proc/self/fd/N/…`, and it is gone
 * with it, whatever becomes of this process. `attachTree` can place it. Set-user-id bits never count.
 *
 * @returns the mount's root, closed on exec; the caller owns it
 * @throws SekishoError with the errno; its message has what the kernel said about the options
 */
export function mountDetached(system: FileSystem): number {
  const context = check(
    'fsopen',
    attemptSyscall(SYS.fsopen, Buffer.from(`${system.type}\0`), FSOPEN_CLOEXEC),
  )
  try {
    configure(context, system.options)
    if (system.readOnly === true) command(context, CONFIG.flag, ['ro'])
    command(context, CONFIG.create, [])
    return said(context, () =>
      check('fsmount', attemptSyscall(SYS.fsmount, context, FSMOUNT_CLOEXEC, attributesOf(system))),
    )
  } finally {
    libc.close(context)
  }
}

/**
 * Changes options of the file system that is mounted at `target`, for all its mounts.
 *
 * @throws SekishoError as {@link mountDetached}
 */
export function reconfigure(target: string, options: FileSystemOptions): void {
  const flags = FSPICK_CLOEXEC | FSPICK_SYMLINK_NOFOLLOW
  const context = check(
    'fspick',
    attemptSyscall(SYS.fspick, AT_FDCWD, Buffer.from(`${target}\0`), flags),
  )
  try {
    configure(context, options)
    command(context, CONFIG.reconfigure, [])
  } finally {
    libc.close(context)
  }
}

function attributesOf({ readOnly, noExec, hasDevices }: FileSystem): number {
  return (
    ATTRIBUTE.noSetuid |
    (hasDevices === true ? 0 : ATTRIBUTE.noDevices) |
    (readOnly === true ? ATTRIBUTE.readOnly : 0) |
    (noExec === true ? ATTRIBUTE.noExec : 0)
  )
}

function configure(context: number, options: FileSystemOptions): void {
  for (const [key, value] of Object.entries(options)) {
    if (value === true) command(context, CONFIG.flag, [key])
    else command(context, CONFIG.string, [key, value])
  }
}

function command(context: number, kind: number, words: readonly string[]): void {
  const [key = null, value = null] = words.map((word) => Buffer.from(`${word}\0`))
  said(context, () => check('fsconfig', attemptSyscall(SYS.fsconfig, context, kind, key, value, 0)))
}

/** The errno of a refused mount says little; the context has the kernel's own words. */
function said<Value>(context: number, act: () => Value): Value {
  try {
    return act()
  } catch (error) {
    const errno = errnoOf(error)
    const messages = readMessages(context)
    if (errno === undefined || messages.length === 0) throw error
    const { code, message, hint } = systemCallFailed('mount', errno)
    throw new SekishoError(code, `${message}: ${messages.join('; ')}`, {
      hint,
      cause: error instanceof Error ? error.cause : error,
    })
  }
}

function readMessages(context: number): string[] {
  const messages: string[] = []
  const line = Buffer.alloc(MAX_MESSAGE_BYTES)
  while (messages.length < MAX_MESSAGES) {
    const length = attemptSyscall(0 /* read */, context, line, line.length)
    if (length <= 0) break
    // each begins with its level: `e `, `w ` or `i `
    messages.push(
      line
        .toString('utf8', 0, length)
        .replace(/^[ewi] /, '')
        .trim(),
    )
  }
  return messages
}
