import type { CommandRule } from './command-rule.ts'
import { argumentsOf, programOf, type SeenCommand, type SeenWord } from './seen-command.ts'

/** Directories of a system, themselves and everything in them. */
const SYSTEM = /^\/(?:bin|boot|dev|etc|lib|lib32|lib64|libx32|proc|root|sbin|sys|usr)(?:\/|$)/
/** A directory right under the root, or all that is in one. */
const TOP = /^\/+(?:[^/]*|[^/]+\/\**)$/
const TEMPORARY = /^\/(?:tmp|var\/tmp|dev\/shm)(?:\/|$)/
const HOME = /^(?:~[\w-]*|\/home\/[^/]+|\/Users\/[^/]+|\/var|\/opt|\/srv)\/?(?:\.?\*)?$/
const PARENT = /^(?:\.\.\/)*\.\.\/?\**$/
/** A device with somebody's data on it. */
const DISK =
  /^\/dev\/(?!(?:null|zero|full|random|urandom|tty\w*|pts\/.*|stdin|stdout|stderr|fd\/.*|shm\/.*|tcp\/.*|udp\/.*)$)/
const MAKES_FILE_SYSTEM =
  /^(?:mkfs(?:\.\w+)?|mke2fs|mkswap|wipefs|blkdiscard|sgdisk|fdisk|sfdisk|parted)$/
const ENDS_MACHINE = /^(?:shutdown|reboot|halt|poweroff)$/

/** Something is taken away that no task brought. */
export const destroy: CommandRule = {
  id: 'command.destroy',
  matches: (seen, place) => {
    const command = seen[place]
    if (command === undefined) return false
    const program = programOf(command)
    const check = CHECKS.get(program)
    return (
      check?.(command) === true ||
      (MAKES_FILE_SYSTEM.test(program) &&
        command.words.some(({ text }) => text.startsWith('/dev/'))) ||
      ENDS_MACHINE.test(program) ||
      command.redirects.some(
        ({ operator, target }) => operator.includes('>') && DISK.test(target.text),
      ) ||
      isForkBomb(seen, place)
    )
  },
}

const CHECKS: ReadonlyMap<string, (command: SeenCommand) => boolean> = new Map(
  Object.entries<(command: SeenCommand) => boolean>({
    rm: (command) =>
      isRecursive(command, /^-[a-zA-Z]*[rR]|^--recursive$/) && targetsOf(command).some(isVital),
    shred: (command) => targetsOf(command).some((word) => isVital(word) || DISK.test(word.text)),
    chmod: (command) =>
      isRecursive(command, /^-[a-zA-Z]*R|^--recursive$/) && targetsOf(command).some(isVital),
    chown: (command) =>
      isRecursive(command, /^-[a-zA-Z]*R|^--recursive$/) && targetsOf(command).some(isVital),
    find: (command) =>
      targetsOf(command).some(isVital) &&
      argumentsOf(command).some(
        (arg, i, args) => arg === '-delete' || (arg.startsWith('-exec') && args[i + 1] === 'rm'),
      ),
    dd: (command) =>
      argumentsOf(command).some((arg) => arg.startsWith('of=') && DISK.test(arg.slice(3))),
    mv: (command) => targetsOf(command).slice(0, -1).some(isVital),
    cp: (command) => DISK.test(argumentsOf(command).at(-1) ?? ''),
    tee: (command) => argumentsOf(command).some((arg) => DISK.test(arg)),
    kill: (command) => argumentsOf(command).slice(1).includes('-1'),
  }),
)

function isRecursive(command: SeenCommand, option: RegExp): boolean {
  return argumentsOf(command).some((arg) => option.test(arg))
}

function targetsOf({ words }: SeenCommand): SeenWord[] {
  return words.slice(1).filter(({ text }) => !text.startsWith('-'))
}

function isVital({ text, isKnown }: SeenWord): boolean {
  const path = text.replace(/\/+/g, '/').replace(/\/\.(?=\/|$)/g, '') || (text === '' ? '' : '/')
  // of what is put together when it runs only what is left where a variable is empty
  if (!isKnown) return /^(?:\/|\/\*|~|~\/\**)$/.test(path)
  if (TEMPORARY.test(path) && !/^\/tmp\/?$/.test(path)) return false
  return [SYSTEM, TOP, HOME, PARENT].some((vital) => vital.test(path)) || /^[A-Z]:\\?$/i.test(path)
}

/** `:(){ :|:& };:` — a command that feeds itself and takes nothing. */
function isForkBomb(seen: readonly SeenCommand[], place: number): boolean {
  const command = seen[place]
  if (command === undefined || command.words.length !== 1) return false
  const program = programOf(command)
  return (
    program !== '' &&
    command.pipedFrom.some(
      (source) => seen[source]?.words.length === 1 && programOf(seen[source]) === program,
    ) &&
    seen.filter((other) => programOf(other) === program).length > 2
  )
}
