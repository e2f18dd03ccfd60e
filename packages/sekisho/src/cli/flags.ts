import { type ParseArgsConfig, parseArgs } from 'node:util'
import { SekishoError } from '../core/error.ts'

type Flags = NonNullable<ParseArgsConfig['options']>

/** `--json` and a command's own flags; one that is unknown, or there twice, is an error with the usage as its hint. */
export function jsonFlag(
  usage: string,
  argv: readonly string[],
  flags: Flags = {},
): { values: Record<string, unknown>; positionals: string[] } {
  try {
    const options: Flags = { json: { type: 'boolean', default: false }, ...flags }
    const { values, positionals, tokens } = parseArgs({
      args: [...argv],
      options,
      allowPositionals: true,
      tokens: true,
    })
    refuseTwice(tokens, options)
    return { values: { ...values }, positionals }
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause)
    throw new SekishoError('USAGE', problem, { hint: `usage: ${usage}` })
  }
}

type Token = { kind: string; name?: string; value?: unknown }

/** Of two values the last would count, and whoever gave the first would not know. */
function refuseTwice(tokens: readonly Token[], options: Flags): void {
  const seen = new Set<string>()
  for (const { kind, name } of tokens) {
    if (kind !== 'option' || name === undefined) continue
    const { type, multiple } = options[name] ?? {}
    if (type === 'string' && multiple !== true && seen.has(name)) {
      throw new TypeError(`--${name} is given twice`)
    }
    seen.add(name)
  }
}

/** The positional argument that a command may be given. @throws SekishoError USAGE for more than one */
export function maybePositional(usage: string, positionals: readonly string[]): string | undefined {
  return positionals.length === 0 ? undefined : onePositional(usage, positionals)
}

/** @throws SekishoError USAGE for a command that takes no argument, and has been given one */
export function noPositional(usage: string, positionals: readonly string[]): void {
  if (positionals.length === 0) return
  throw new SekishoError('USAGE', 'too many arguments', { hint: `usage: ${usage}` })
}

/** The one positional argument a command takes. */
export function onePositional(usage: string, positionals: readonly string[]): string {
  const [only, ...more] = positionals
  if (only !== undefined && more.length === 0) return only
  throw new SekishoError(
    'USAGE',
    only === undefined ? 'an argument is missing' : 'too many arguments',
    {
      hint: `usage: ${usage}`,
    },
  )
}
