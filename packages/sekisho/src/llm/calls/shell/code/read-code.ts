import { readAwk } from './read-awk.ts'
import { isPlainPython } from './plain-python.ts'
import { readSed } from './read-sed.ts'

/** Languages of code on a command line; of `other`, nobody here reads any. */
export type CodeLanguage = 'awk' | 'sed' | 'python' | 'sql' | 'other'

/** What code would have a shell run. */
export type CodeRead = {
  lines: readonly string[]
  /** it runs nothing but these */
  isWhole: boolean
}

const ALL_OF_IT: CodeRead = { lines: [], isWhole: true }
const NONE_OF_IT: CodeRead = { lines: [], isWhole: false }

/** Longer code is not looked into. UTF-16 units */
const MAX_CODE = 16_384

export function readCode(language: CodeLanguage, code: string): CodeRead {
  if (code.length > MAX_CODE) return NONE_OF_IT
  if (language === 'awk') return readAwk(code)
  if (language === 'sed') return readSed(code)
  if (language === 'python') return isPlainPython(code) ? ALL_OF_IT : NONE_OF_IT
  return language === 'sql' && !RUNS_IN_SQL.test(code) ? ALL_OF_IT : NONE_OF_IT
}

/**
 * Commands of the clients of databases (`\!`, `.shell`, `system`), and what has a server run or write
 * something.
 */
const RUNS_IN_SQL =
  /\\|^\s*\.|\b(?:program|language|load_extension|load_file|edit|system|source|pager|outfile|dumpfile|writefile|readfile|sys_exec|sys_eval|do|copy|install|load|attach)\b/im
