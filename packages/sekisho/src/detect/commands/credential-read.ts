import type { CommandRule } from './command-rule.ts'
import { isCredentialFile, isMetadataAddress } from './places.ts'
import { argumentsOf, programOf, type SeenCommand } from './seen-command.ts'

/** Programs that use a key for what it is for, or look at its name alone. */
const RIGHTFUL =
  /^(?:ssh|scp|sftp|ssh-add|ssh-keygen|ssh-agent|ssh-copy-id|ssh-keyscan|chmod|chown|mkdir|ls|stat|test|\[|rm|touch)$/
/** Words of programs that print a key that they keep. */
const ASKS: ReadonlyMap<string, RegExp> = new Map(
  Object.entries<RegExp>({
    gh: /^auth (?:token|status .*-t\b)/,
    gcloud: /\bprint-(?:access|identity)-token\b|^auth application-default print/,
    aws: /^(?:configure (?:get|export-credentials)|sts (?:get-session-token|assume-role))/,
    az: /\bget-access-token\b/,
    security: /^(?:find-(?:generic|internet)-password|dump-keychain)/,
    'secret-tool': /^(?:lookup|search)/,
    kubectl: /\bget secrets?\b|^config view .*--raw/,
    git: /^credential fill/,
    npm: /^(?:config get .*_auth|token)/,
    op: /^(?:read|item get)/,
    pass: /^show/,
  }),
)

/** A key is looked at that the task did not bring. */
export const credentialRead: CommandRule = {
  id: 'command.credential-read',
  matches: (seen, place) => {
    const command = seen[place]
    if (command === undefined) return false
    return readsFile(command) || asksForKey(command) || asksForMetadata(command)
  },
}

function readsFile(command: SeenCommand): boolean {
  const inputs = command.redirects
    .filter(({ operator }) => operator.startsWith('<'))
    .map(({ target }) => target.text)
  if (inputs.some(isCredentialFile)) return true
  if (RIGHTFUL.test(programOf(command))) return false
  return argumentsOf(command).some((arg) => pathsIn(arg).some(isCredentialFile))
}

/** The word itself, or the file in `@file`, `name=@file`, `if=file`, `--file=file`. */
function pathsIn(arg: string): string[] {
  const inner = /^[^@=]{0,64}(?:=?@|=)(.+)$/.exec(arg)?.[1]
  return inner === undefined ? [arg] : [arg, inner.replace(/;.*$/, '')]
}

function asksForKey(command: SeenCommand): boolean {
  const asks = ASKS.get(programOf(command))
  return asks !== undefined && asks.test(argumentsOf(command).join(' '))
}

function asksForMetadata(command: SeenCommand): boolean {
  return argumentsOf(command).some(isMetadataAddress)
}
