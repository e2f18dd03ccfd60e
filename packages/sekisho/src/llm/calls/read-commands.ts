import type { CommandCall } from '../../core/action.ts'
import { findInCommands } from '../../detect/commands/all.ts'
import { programOf } from '../../detect/commands/seen-command.ts'
import { type ArgumentValue, UNKNOWN } from './argument-value.ts'
import { isPathWord, urlsIn } from './named-places.ts'
import { patchPaths } from './patch-paths.ts'
import { readArgv, readShellLine, type ShellLine } from './shell/read-line.ts'
import { languageOf, type ShellLanguage } from './shell/language.ts'
import { knownWord } from './shell/word.ts'
import { isShellProgram } from './shell/wrappers.ts'
import { UNKNOWN_COMMAND } from './tool-reading.ts'
import { Unreadable } from './unreadable.ts'

/** What shell lines run and name. */
export type Commands = {
  commands: CommandCall[]
  paths: string[]
  urls: string[]
  findings: ReadonlySet<string>
}

const UNKNOWN_COMMANDS: Commands = {
  commands: [UNKNOWN_COMMAND],
  paths: [],
  urls: [],
  findings: new Set(),
}

/**
 * A line, or the words of a command.
 *
 * @throws Unreadable for a line that is no shell line
 */
export function readCommands(value: ArgumentValue, language?: ShellLanguage): Commands {
  if (typeof value === 'string') return describe(readShellLine(value, language))
  if (!Array.isArray(value)) return UNKNOWN_COMMANDS
  const words = value.map((word) => (typeof word === 'string' ? word : null))
  const [program, option, line, ...more] = words
  // what Codex puts around every line is not what the model asks for
  const isWrapped = isShellProgram(baseName(program)) && /^-l?c$/.test(option ?? '')
  if (isWrapped && typeof line === 'string' && more.length === 0)
    return describe(readShellLine(line, languageOf([knownWord(program ?? '')])))
  return words.length === 0 ? UNKNOWN_COMMANDS : describe(readArgv(words))
}

/** A line that is run by a program that the call itself names. */
export function readCommandsOf(shell: ArgumentValue, line: ArgumentValue): Commands {
  if (typeof shell === 'string' && isShellProgram(baseName(shell))) {
    return readCommands(line, languageOf([knownWord(shell)]))
  }
  return readCommands([shell, UNKNOWN, line])
}

/** What is typed into a program that runs already: if that is a shell, it is a line. */
export function readTyped(value: ArgumentValue): Commands {
  const text = typeof value === 'string' ? value : ''
  if (typeof value === 'string' && !/[^\s\p{Cc}]/u.test(text)) {
    return { ...UNKNOWN_COMMANDS, commands: [] }
  }
  try {
    const { commands, ...rest } = readCommands(text)
    return { ...rest, commands: [UNKNOWN_COMMAND, ...commands] }
  } catch (thrown) {
    if (!(thrown instanceof Unreadable)) throw thrown
    return UNKNOWN_COMMANDS
  }
}

function baseName(program: string | null | undefined): string {
  return (program ?? '').replace(/^.*\//s, '')
}

function describe({ calls, seen }: ShellLine): Commands {
  const words = seen.flatMap((command) => command.words.filter(({ isKnown }) => isKnown))
  const targets = seen.flatMap(({ redirects }) => redirects)
  return {
    commands: [...calls],
    paths: [
      ...targets
        .filter(({ operator, target }) => target.isKnown && !isDescriptor(operator, target.text))
        .map(({ target }) => target.text),
      ...words.filter(({ text }) => isPathWord(text)).map(({ text }) => text),
      ...seen.flatMap(patchedFiles),
    ],
    urls: [...words.flatMap(({ text }) => urlsIn(text)), ...seen.flatMap(plainHosts)],
    findings: findInCommands(seen),
  }
}

/** Files that a patch names which stands in the line itself: among the words of a command, or as its input. */
function patchedFiles(command: ShellLine['seen'][number]): string[] {
  const { words, input } = command
  const program = programOf(command)
  const isPatch =
    program === 'git' ? /^(?:am|apply)$/.test(words[1]?.text ?? '') : PATCHES.test(program)
  if (!isPatch) return []
  const texts = [...words.slice(1), ...(input === null ? [] : [input])]
  return texts.flatMap(({ text }) => patchPaths(text) ?? [])
}

/** Codex has the first in its shell, under two names. */
const PATCHES = /^(?:apply_?patch|patch)$/

function isDescriptor(operator: string, target: string): boolean {
  return operator.endsWith('&') && /^(?:\d*-?)$/.test(target)
}

/** `curl example.com/x`: without a scheme it is HTTP. */
function plainHosts(command: ShellLine['seen'][number]): string[] {
  if (!/^(?:curl|wget)$/.test(programOf(command))) return []
  return command.words
    .slice(1)
    .filter(
      ({ text, isKnown }) => isKnown && /^[\w-]+(?:\.[\w-]+)+(?::\d+)?(?:[/?#]\S*)?$/.test(text),
    )
    .map(({ text }) => `http://${text}`.slice(0, 2048))
}
