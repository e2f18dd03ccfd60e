import type { SeenCommand } from './seen-command.ts'

/** What the commands of a line are, together. */
export type CommandRule = {
  /** what findings, treatments and policies call it */
  id: string
  /** whether the command at this place is what is looked for */
  matches: (seen: readonly SeenCommand[], place: number) => boolean
}
