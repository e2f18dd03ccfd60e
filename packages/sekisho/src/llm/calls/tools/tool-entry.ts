import type { ToolDoing } from '../../../core/action.ts'
import type { ShellLanguage } from '../shell/language.ts'

/** What the arguments of a client's tool mean, by their names; `a.b` is a member of a member. */
export type ToolEntry = {
  does: ToolDoing
  /** a shell line, or the words of a command */
  lines?: readonly string[]
  /** of the shell that reads them; left out: bash */
  language?: ShellLanguage
  /** each of them a shell line */
  lineLists?: readonly string[]
  /** a program that is given the line instead of the usual shell */
  shells?: readonly string[]
  /** typed into a program that runs already */
  typed?: readonly string[]
  /** a program in JavaScript that may call tools */
  programs?: readonly string[]
  /** code that is run as it is, in some language */
  code?: readonly string[]
  /** a patch in Codex's grammar */
  patches?: readonly string[]
  /** files and directories, one or several */
  paths?: readonly string[]
  urls?: readonly string[]
  /** texts in which addresses stand among other words */
  texts?: readonly string[]
}

export type ToolTable = Readonly<Record<string, ToolEntry>>
