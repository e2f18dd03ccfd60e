import { isInterpreter, isShell, readsProgram, scriptFileOf } from './programs.ts'
import { argumentsOf, programOf, type SeenCommand, type SeenWord } from './seen-command.ts'

/** Places of every command whose output reaches one of these, by pipes and substitutions. */
export function upstreamOf(seen: readonly SeenCommand[], from: readonly number[]): number[] {
  const reached = new Set(from)
  // grows while it is walked
  for (const place of reached) {
    const command = seen[place]
    if (command === undefined) continue
    for (const next of [...command.pipedFrom, ...command.words.flatMap(({ outputs }) => outputs)]) {
      reached.add(next)
    }
  }
  return [...reached]
}

/** Places of the commands whose output this command runs as a program. */
export function codeSources(seen: readonly SeenCommand[], place: number): number[] {
  const command = seen[place]
  if (command === undefined) return []
  return upstreamOf(seen, directSources(command, seen))
}

function directSources(command: SeenCommand, seen: readonly SeenCommand[]): number[] {
  const [program, ...words] = command.words
  if (program === undefined) return []
  // a line of a shell, or of `eval`, that comes from elsewhere
  const isLine = program.text === '' && !program.isKnown && startedByReader(command, seen)
  const isPiped = isLine || readsProgram(command)
  return [
    ...program.outputs,
    ...(isPiped ? command.pipedFrom : []),
    ...(takesCode(programOf(command)) ? codeWords(words) : []).flatMap(({ outputs }) => outputs),
  ]
}

function takesCode(program: string): boolean {
  return isShell(program) || isInterpreter(program) || program === 'source' || program === '.'
}

/** The first word, and what stands behind it where that is an option. */
function codeWords(words: readonly SeenWord[]): readonly SeenWord[] {
  return words.slice(0, words[0]?.text.startsWith('-') === true ? 2 : 1)
}

function startedByReader({ startedBy }: SeenCommand, seen: readonly SeenCommand[]): boolean {
  const starter = startedBy === null ? undefined : seen[startedBy]
  return starter !== undefined && readsProgram(starter)
}

/** The files that a command writes what it prints or fetches to, as it names them. */
function filesWrittenBy(seen: readonly SeenCommand[], place: number): string[] {
  const command = seen[place]
  if (command === undefined) return []
  const redirected = command.redirects
    .filter(({ operator }) => operator.includes('>'))
    .map(({ target }) => target.text)
  const tees = seen
    .filter((other) => programOf(other) === 'tee' && other.pipedFrom.includes(place))
    .flatMap(argumentsOf)
  return [...redirected, ...tees, ...outputOptions(command)].filter((file) => file !== '')
}

/** `curl -o file`, `-O` with the last part of the address; `wget` with or without `-O file`. */
function outputOptions(command: SeenCommand): string[] {
  const args = argumentsOf(command)
  const isCurl = programOf(command) === 'curl'
  const named = args.flatMap((arg, i) => {
    const next = args[i + 1] ?? ''
    if (
      isCurl
        ? /^(?:-[a-zA-Z]*o|--output)$/.test(arg)
        : /^(?:-[a-zA-Z]*[oO]|--output-document)$/.test(arg)
    ) {
      return [next]
    }
    return /^(?:--output|--output-document)=(.+)$/.exec(arg)?.slice(1) ?? []
  })
  const takesName = isCurl
    ? args.some((arg) => /^(?:-[a-zA-Z]*O[a-zA-Z]*|--remote-name)$/.test(arg))
    : named.length === 0
  return takesName ? [...named, ...args.map(lastOfAddress)] : named
}

function lastOfAddress(arg: string): string {
  return /^[^\s?#]+\/([^\s/?#]+)(?:[?#].*)?$/.exec(arg)?.[1] ?? ''
}

/** Whether a command runs a file that one before it has written, of those that are meant. */
export function runsFileOf(
  seen: readonly SeenCommand[],
  place: number,
  isMeant: (command: SeenCommand) => boolean,
): boolean {
  const command = seen[place]
  if (command === undefined) return false
  const runs = [command.words[0]?.text, scriptFileOf(command)].filter((file) => file !== undefined)
  return seen
    .slice(0, place)
    .some(
      (other, at) =>
        isMeant(other) &&
        filesWrittenBy(seen, at).some((file) => runs.some((run) => isSameFile(file, run))),
    )
}

/** Two names of one file, as far as that can be told without a file system. */
function isSameFile(a: string, b: string): boolean {
  return plain(a) !== '' && plain(a) === plain(b)
}

function plain(path: string): string {
  return path.replace(/^(?:\.\/)+/, '')
}
