import type { CommandRule } from './command-rule.ts'
import { codeSources, runsFileOf } from './flows.ts'
import { codeOf } from './programs.ts'
import { argumentsOf, programOf, type SeenCommand } from './seen-command.ts'

const DECODES =
  /\b(?:b64decode|b32decode|a85decode|atob|base64_decode|unhexlify|fromhex|decode64|decompress|Buffer\.from|decode_base64)\b/
const RUNS = /\b(?:exec|eval|system|popen|subprocess|check_output|runInThisContext|Function)\b/

/** A program that is written so that nobody reads it on its way into an interpreter. */
export const encoded: CommandRule = {
  id: 'command.encoded',
  matches: (seen, place) => {
    const command = seen[place]
    if (command === undefined) return false
    return (
      codeSources(seen, place).some((source) => decodes(seen[source])) ||
      runsFileOf(seen, place, decodes) ||
      codeOf(command).some((code) => DECODES.test(code) && RUNS.test(code)) ||
      (programOf(command) === 'pwsh' &&
        argumentsOf(command).some((arg) => /^-e(?:nc|c)/i.test(arg)))
    )
  },
}

function decodes(command: SeenCommand | undefined): boolean {
  if (command === undefined) return false
  const isDecoder = DECODERS.get(programOf(command))
  if (isDecoder !== undefined) return isDecoder(argumentsOf(command))
  return codeOf(command).some((code) => DECODES.test(code))
}

const someIs = (pattern: RegExp) => (args: readonly string[]) =>
  args.some((arg) => pattern.test(arg))

const decodesBase64 = someIs(/^(?:-[a-zA-Z]*[dD][a-zA-Z]*|--decode)$/)
const writesCodes = someIs(/(?:\\x[0-9a-f]{2}|\\[0-7]{3}){3}/i)

const DECODERS: ReadonlyMap<string, (args: readonly string[]) => boolean> = new Map(
  Object.entries<(args: readonly string[]) => boolean>({
    base64: decodesBase64,
    base32: decodesBase64,
    basenc: decodesBase64,
    openssl: someIs(/^-d$/),
    xxd: someIs(/^-[a-z]*r/),
    uudecode: () => true,
    rev: () => true,
    tr: (args) => args.length >= 2 && isRotation(args),
    printf: writesCodes,
    echo: writesCodes,
  }),
)

/** Letters for other letters, and not `a-z` for `A-Z`. */
function isRotation(args: readonly string[]): boolean {
  return args.some((arg) => /[b-yB-Y]-[zZ]/.test(arg))
}
