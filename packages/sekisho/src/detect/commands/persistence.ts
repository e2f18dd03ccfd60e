import type { CommandRule } from './command-rule.ts'
import { isPersistentPlace } from './places.ts'
import { argumentsOf, programOf, type SeenCommand } from './seen-command.ts'

const SCHEDULERS =
  /^(?:at|batch|anacron|systemd-run|update-rc\.d|chkconfig|useradd|adduser|ssh-copy-id)$/
/** Programs that write to their last argument, and those that write to each of them. */
const WRITES_LAST = /^(?:cp|mv|ln|install|rsync|scp)$/
const WRITES_ALL = /^(?:tee|touch|truncate|sponge|nano|vi|vim|ed|ex|dd)$/
const HOOK_SETTING =
  /^(?:core\.(?:hooksPath|fsmonitor|sshCommand|pager|editor)|init\.templateDir|alias\.\w+|filter\.\w+\.\w+|credential\.helper)$/i

/** Something is to run again when nobody asks for it. */
export const persistence: CommandRule = {
  id: 'command.persistence',
  matches: (seen, place) => {
    const command = seen[place]
    if (command === undefined) return false
    return (
      isScheduled(command) || writtenFiles(command).some(isPersistentPlace) || setsHook(command)
    )
  },
}

function isScheduled(command: SeenCommand): boolean {
  const program = programOf(command)
  const args = argumentsOf(command)
  if (SCHEDULERS.test(program)) return true
  if (program === 'crontab') return !args.includes('-l')
  if (program === 'systemctl')
    return args.some((arg) => /^(?:enable|link|edit|set-default)$/.test(arg))
  if (program === 'launchctl') return args.some((arg) => /^(?:load|bootstrap|submit)$/.test(arg))
  return program === 'rc-update' && args.includes('add')
}

/** Also of a line that is put together when it runs: its beginning may be missing, its end is not. */
function writtenFiles(command: SeenCommand): string[] {
  const program = programOf(command)
  const args = argumentsOf(command)
  const redirected = command.redirects
    .filter(({ operator }) => operator.includes('>'))
    .map(({ target }) => target.text)
  return [...redirected, ...argumentsWritten(program, args)]
}

function argumentsWritten(program: string, args: readonly string[]): string[] {
  if (WRITES_ALL.test(program)) return args.map((arg) => arg.replace(/^of=/, ''))
  if (WRITES_LAST.test(program))
    return args.slice(-1).flatMap((last) => [last, ...intoDirectory(last, args)])
  const isInPlace =
    /^(?:sed|perl)$/.test(program) && args.some((arg) => /^(?:-[a-zA-Z]*i|--in-place)/.test(arg))
  return isInPlace ? args.slice(1) : []
}

/** `cp hook .git/hooks/` */
function intoDirectory(directory: string, args: readonly string[]): string[] {
  const base = directory.replace(/\/$/, '')
  return args.slice(0, -1).map((arg) => `${base}/${arg.slice(arg.lastIndexOf('/') + 1)}`)
}

function setsHook(command: SeenCommand): boolean {
  const args = argumentsOf(command)
  if (programOf(command) !== 'git' || !args.includes('config')) return false
  return args.some((arg, i) => HOOK_SETTING.test(arg) && args[i + 1] !== undefined)
}
