/** A word of a command, as far as it can be read without running anything. */
export type SeenWord = {
  /** unknown parts are left out, or put in where a value can be guessed: enough for a signal */
  text: string
  /** `text` is what the program will get, whatever happens */
  isKnown: boolean
  /** has `*`, `?` or `[` outside quotes: names files, where there are any that fit */
  isPattern: boolean
  /** may turn out to be no word, or several */
  splits: boolean
  /** places of the commands whose output is part of it */
  outputs: readonly number[]
}

export type SeenRedirect = {
  operator: string
  /** null: the operator's own */
  descriptor: number | null
  target: SeenWord
}

/** One simple command of a shell line, and what is joined to it. */
export type SeenCommand = {
  /** the program and its arguments, words that split taken apart; never empty */
  words: readonly SeenWord[]
  /** of the command itself and of what surrounds it */
  redirects: readonly SeenRedirect[]
  /** places of the commands whose output it reads */
  pipedFrom: readonly number[]
  /** what the line itself gives it to read; null for nothing */
  input: SeenWord | null
  /** place of the command that starts it, such as `sudo`; null for the line itself */
  startedBy: number | null
}

/** Name of the program without its directory and without what hides it from an alias. */
export function programOf({ words }: SeenCommand): string {
  const text = words[0]?.text ?? ''
  return text.slice(text.lastIndexOf('/') + 1)
}

/** Texts of the arguments. */
export function argumentsOf({ words }: SeenCommand): string[] {
  return words.slice(1).map(({ text }) => text)
}
