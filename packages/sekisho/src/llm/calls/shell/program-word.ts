import type { SeenWord } from '../../../detect/commands/seen-command.ts'

/** Name of the program that a word names, without its directory. */
export function programOfWord(word: SeenWord | undefined): string {
  const text = word?.text ?? ''
  return text.slice(text.lastIndexOf('/') + 1)
}
