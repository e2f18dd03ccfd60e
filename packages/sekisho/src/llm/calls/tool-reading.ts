import type { CommandCall, ToolCallAction } from '../../core/action.ts'
import { Unreadable } from './unreadable.ts'

/** What one tool would do; one call may come to several. */
export type ToolReading = Pick<ToolCallAction, 'tool' | 'does' | 'commands' | 'paths' | 'urls'> & {
  /** ids of detectors */
  findings: ReadonlySet<string>
}

/** As many as a leaf holds. What is beyond would be decided by nobody. */
const MAX_LISTED = 64
/** Longest texts of a leaf. */
const MAX_WORD = 1024
const MAX_URL = 2048
const MAX_TOOL = 256

/** Stands for a command of which nothing is known. */
export const UNKNOWN_COMMAND: CommandCall = Object.freeze({ program: null, args: [] })

/**
 * The reading as it is decided and recorded: nothing twice, nothing that a leaf cannot hold.
 *
 * @throws Unreadable for more commands, files or addresses than that
 */
export function boundReading(reading: ToolReading): ToolReading {
  const { tool, commands } = reading
  if (tool.length > MAX_TOOL || !tool.isWellFormed()) throw new Unreadable('no name of a tool')
  if (commands.length > MAX_LISTED) throw new Unreadable(`more than ${MAX_LISTED} commands`)
  return {
    ...reading,
    commands: commands.map(boundCommand),
    paths: boundTexts(reading.paths, MAX_WORD, 'files'),
    urls: boundTexts(reading.urls, MAX_URL, 'addresses'),
  }
}

/** A word that does not fit is one that nobody knows, and so are those behind the last that fits. */
function boundCommand({ program, args }: CommandCall): CommandCall {
  const fitting = args.map(boundWord)
  return {
    program: boundWord(program),
    args: fitting.length <= MAX_LISTED ? fitting : [...fitting.slice(0, MAX_LISTED - 1), null],
  }
}

function boundWord(word: string | null): string | null {
  return word !== null && word.length <= MAX_WORD && word.isWellFormed() ? word : null
}

function boundTexts(texts: readonly string[], maxLength: number, what: string): string[] {
  const all = [...new Set(texts)]
  if (all.length > MAX_LISTED) throw new Unreadable(`more than ${MAX_LISTED} ${what}`)
  if (all.some((text) => text.length > maxLength || !text.isWellFormed())) {
    throw new Unreadable(`${what} with a name that is too long`)
  }
  return all
}
