import type { SeenWord } from '../../../detect/commands/seen-command.ts'
import { programOfWord } from './program-word.ts'

/** Variables whose value is a line that some program runs in place of its own choice. */
const LINES: ReadonlySet<string> = new Set(
  `PAGER MANPAGER GIT_PAGER GH_PAGER LESSOPEN LESSCLOSE EDITOR VISUAL GIT_EDITOR GIT_SEQUENCE_EDITOR
  FCEDIT BROWSER GH_BROWSER PROMPT_COMMAND GIT_SSH GIT_SSH_COMMAND GIT_ASKPASS SSH_ASKPASS SUDO_ASKPASS
  GIT_EXTERNAL_DIFF GIT_PROXY_COMMAND RSYNC_RSH CVS_RSH MAKESHELL`.split(/\s+/),
)

/** Variables that put other code into programs, or other programs under their names. */
const CODE =
  /^(?:LD_(?:PRELOAD|LIBRARY_PATH|AUDIT)|PATH|BASH_(?:ENV|CMDS|ALIASES)|ENV|ZDOTDIR|BASH_FUNC_.*|GIT_CONFIG.*|GIT_EXEC_PATH|GIT_TEMPLATE_DIR|PYTHON(?:STARTUP|PATH|HOME)|PERL5(?:OPT|LIB|DB)|RUBY(?:OPT|LIB)|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|NODE_PATH|PS4)$/
const NODE_LOADS = /(?:^|\s)(?:-r|--(?:require|import|loader|experimental-loader))\b/

/** What setting a variable comes to. */
export type Telling = 'line' | 'code' | 'nothing'

/** @param text of its value, as far as it is known */
export function tellingOf(name: string, text: string): Telling {
  if (LINES.has(name)) return 'line'
  const isCode = CODE.test(name) || (name === 'NODE_OPTIONS' && NODE_LOADS.test(text))
  return isCode ? 'code' : 'nothing'
}

const SETTERS: ReadonlySet<string> = new Set(
  'env sudo doas export declare typeset local readonly'.split(' '),
)

/** What a command sets for others, in its arguments: `env` and `export` do. */
export function settingsIn([first, ...rest]: readonly SeenWord[]): {
  name: string
  value: SeenWord
}[] {
  if (!SETTERS.has(programOfWord(first))) return []
  return rest.flatMap((word) => {
    const [, name, text = ''] = /^([\w%]+)=(.*)$/s.exec(word.text) ?? []
    return name === undefined ? [] : [{ name, value: { ...word, text } }]
  })
}
