import { posix } from 'node:path'
import { SekishoError } from '../../core/error.ts'
import { ForeignRoot } from './foreign-root.ts'
import type { RootFacts } from './overlay-skeleton.ts'

const MAX_ACCOUNTS_BYTES = 1024 * 1024
const GLIBC_LOADER = '/lib64/ld-linux-x86-64.so.2'
/** Directories that hold JDKs in Debian's, Fedora's and Temurin's images, or are one. */
const JDK_PARENTS = ['/usr/lib/jvm', '/opt/java', '/opt', '/usr/local'] as const
const JDK_STORES = ['lib/security/cacerts', 'jre/lib/security/cacerts'] as const
const MAX_JDKS = 64

/**
 * Looks at a root file system, of which nothing is trusted.
 *
 * @param path host directory
 * @param name for the error, such as `image builder`
 * @throws SekishoError ROOTFS_INVALID when no session can start in it
 */
export function readRootFacts(path: string, name: string): RootFacts {
  const root = new ForeignRoot(path)
  try {
    refuseWithoutShell(root, name)
    const text = (file: string): string => root.head(file, MAX_ACCOUNTS_BYTES)?.toString() ?? ''
    return {
      passwd: text('/etc/passwd'),
      group: text('/etc/group'),
      shell: isProgram(root, '/bin/bash') ? '/bin/bash' : '/bin/sh',
      hasGlibc: root.status(GLIBC_LOADER)?.isFile() === true,
      javaStores: javaStores(root),
    }
  } finally {
    root.close()
  }
}

/** The start of a session tries its walls with the root's own shell. */
function refuseWithoutShell(root: ForeignRoot, name: string): void {
  if (!isExecutable(root, '/bin/sh')) {
    throw new SekishoError('ROOTFS_INVALID', `${name} has no /bin/sh that every user may run`, {
      hint: 'use a root file system with a shell, such as the same image in its -debug or -slim form',
    })
  }
  if (!isProgram(root, '/bin/sh')) {
    throw new SekishoError('ROOTFS_INVALID', `/bin/sh of ${name} is no program for x86-64`, {
      hint: 'use an image for linux/amd64',
    })
  }
}

function isExecutable(root: ForeignRoot, path: string): boolean {
  const status = root.status(path)
  return status?.isFile() === true && (status.mode & 0o005) === 0o005
}

const ELF = { magic: Buffer.from('\u007fELF'), class64: 2, littleEndian: 1, x86_64: 62 } as const

/** elf(5), e_ident and e_machine */
function isProgram(root: ForeignRoot, path: string): boolean {
  if (!isExecutable(root, path)) return false
  const head = root.head(path, 20)
  return (
    head?.length === 20 &&
    head.subarray(0, 4).equals(ELF.magic) &&
    head[4] === ELF.class64 &&
    head[5] === ELF.littleEndian &&
    head.readUInt16LE(18) === ELF.x86_64
  )
}

/**
 * Trust stores that a JDK brings with it, which would otherwise not know the session's CA. Only
 * below real directories: to put something under a link is to hide the link.
 */
function javaStores(root: ForeignRoot): string[] {
  const homes = JDK_PARENTS.filter((parent) => isPlain(root, parent)).flatMap((parent) =>
    root
      .names(parent)
      .slice(0, MAX_JDKS)
      .map((name) => posix.join(parent, name)),
  )
  return homes
    .flatMap((home) => JDK_STORES.map((store) => posix.join(home, store)))
    .filter((path) => isPlain(root, posix.dirname(path)) && root.entry(path) !== undefined)
}

/** A directory that is reached through directories alone. */
function isPlain(root: ForeignRoot, path: string): boolean {
  const parts = path.split('/').slice(1)
  return parts.every((_, i) => {
    const entry = root.entry(`/${parts.slice(0, i + 1).join('/')}`)
    return entry?.isDirectory() === true
  })
}
