import { compileGlob, splitPath } from '../path-glob.ts'
import { printable, type Read } from '../problem.ts'
import { baseName, normalPath } from './read-call.ts'

/** Where a session has its files; see `sandbox/layout.ts`. */
const WORKSPACE = '/workspace'
const HOME = '/home/agent'

/** Directories of a session's programs, which it cannot write to: `git` there is git. */
const PROGRAM_DIRECTORIES: ReadonlySet<string> = new Set(
  ['/bin', '/sbin', '/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin'].map(
    (directory) => `${directory}/`,
  ),
)

/** A name in which `*` is any characters, such as `mcp__github__*` or `web_search*`. */
export function readNameGlob(text: string): Read<string> {
  if (/^[\w.:*/-]{1,256}$/.test(text)) return { value: text }
  return {
    problem: `\`${printable(text)}\` is no name of a tool`,
    hint: 'use letters, digits and _ . : / -, with * for any characters',
  }
}

/** @param glob as {@link readNameGlob} takes it; linear in the length of the name */
export function compileNameGlob(glob: string): (name: string) => boolean {
  if (/^\*+$/.test(glob)) return () => true
  const [first = '', ...rest] = glob.split(/\*+/)
  const last = rest.pop()
  if (last === undefined) return (name) => name === glob
  return (name) => {
    const end = name.length - last.length
    if (end < first.length || !name.startsWith(first) || !name.endsWith(last)) return false
    let from = first.length
    for (const part of rest) {
      const found = name.indexOf(part, from)
      if (found === -1 || found + part.length > end) return false
      from = found + part.length
    }
    return true
  }
}

/** A program by name (`git`, `python3*`), or by path (`/workspace/node_modules/.bin/*`). */
export function readProgramGlob(text: string): Read<string> {
  if (text.includes('/')) return readCallPathGlob(text)
  if (/^[^\s\p{C}]{1,256}$/u.test(text)) return { value: text }
  return {
    problem: `\`${printable(text)}\` is no program`,
    hint: 'write a name such as git, or a path such as /usr/bin/git; * is any characters',
  }
}

export type ProgramGlob = {
  /** surely this program */
  isSurely: (program: string) => boolean
  /** perhaps: by its last name alone, whoever has put it where it lies */
  mayBe: (program: string) => boolean
}

/** @param glob as {@link readProgramGlob} takes it */
export function compileProgramGlob(glob: string): ProgramGlob {
  if (glob.includes('/')) {
    const paths = compileCallPath(glob)
    return {
      isSurely: (program) => program.includes('/') && paths.isSurely(program),
      mayBe: paths.mayBe,
    }
  }
  const matches = compileNameGlob(glob)
  return {
    isSurely: (program) => {
      if (!program.includes('/')) return matches(program)
      const [path, name] = [normalPath(program), baseName(program)]
      return PROGRAM_DIRECTORIES.has(path.slice(0, path.length - name.length)) && matches(name)
    },
    mayBe: (program) => matches(baseName(program)),
  }
}

/** A path as commands name it: `src/**`, `/etc/**`, `~/.ssh/*`. */
export function readCallPathGlob(text: string): Read<string> {
  const shown = printable(text)
  if (text.length > 512 || /\p{C}/u.test(text)) return { problem: `\`${shown}\` is no path` }
  const parts = (text.startsWith('/') ? text.slice(1) : text).split('/')
  if (parts.some((part) => ['', '.', '..'].includes(part))) {
    return {
      problem: `\`${shown}\` is not a normal path`,
      hint: 'leave out //, . and .. and a last /',
    }
  }
  if (parts.some((part) => part.includes('**') && part !== '**')) {
    return {
      problem: `\`${shown}\` mixes ** with other characters in one segment`,
      hint: 'write ** between slashes, or one * within a segment',
    }
  }
  return { value: text }
}

export type CallPathGlob = {
  /** it is named so, and does not climb out of where the command runs */
  isSurely: (path: string) => boolean
  /** it can be there, for some directory that the command runs in */
  mayBe: (path: string) => boolean
}

/** @param glob as {@link readCallPathGlob} takes it */
export function compileCallPath(glob: string): CallPathGlob {
  const [direct, absolute] = [compileGlob(glob), compileGlob(absoluteOf(glob) ?? glob)]
  const matches = (path: string): boolean => direct(splitPath(path)) || absolute(splitPath(path))
  return {
    isSurely: (path) => {
      const normal = normalPath(path)
      return glob === '**' || (!isClimbing(normal) && formsOf(normal).some(matches))
    },
    mayBe: (path) => {
      const normal = normalPath(path)
      return [...formsOf(normal), ...guessesOf(normal)].some(matches)
    },
  }
}

function isClimbing(path: string): boolean {
  return path === '..' || path.startsWith('../')
}

function absoluteOf(path: string): string | undefined {
  return path === '~' || path.startsWith('~/') ? `${HOME}${path.slice(1)}` : undefined
}

/** Spellings of one place: what is relative is meant below the workspace. */
function formsOf(path: string): readonly string[] {
  const absolute = absoluteOf(path) ?? path
  const inside = absolute.startsWith(`${WORKSPACE}/`) ? [absolute.slice(WORKSPACE.length + 1)] : []
  return [...new Set([path, absolute, ...inside])]
}

/** Where a relative path can lead: below the workspace or the home, or, climbing, below any directory. */
function guessesOf(path: string): readonly string[] {
  if (path.startsWith('/') || path.startsWith('~')) return []
  const rest = path.replace(/^(?:\.\.\/)+/, '')
  return [`/${rest}`, `${WORKSPACE}/${rest}`, `${HOME}/${rest}`]
}
