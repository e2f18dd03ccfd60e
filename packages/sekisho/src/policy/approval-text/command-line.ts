/** Stands where something is known only when it runs; no word is shown like it, for those are quoted. */
const UNKNOWN = '<known only when it runs>'

/**
 * A command as a shell would be told it, each word apart from the next; not yet printable.
 *
 * @param words program and arguments; null for one that is known only when it runs
 */
export function commandLine(words: readonly (string | null)[]): string {
  return words.map((word) => (word === null ? UNKNOWN : quoted(word))).join(' ')
}

/** POSIX XCU §2.2.2: nothing is special within single quotes. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}
