import type { SeenWord } from '../../../detect/commands/seen-command.ts'
import { programOfWord } from './program-word.ts'
import { skipOptions, type OptionGrammar } from './options.ts'

/** What a command runs besides itself. */
export type Inner =
  /** words of a command */
  | { kind: 'words'; words: readonly SeenWord[]; isSure: boolean }
  /** a shell line, in words that are joined by blanks */
  | { kind: 'script'; words: readonly SeenWord[]; isSure: boolean }
  /** a shell line that the command reads from its standard input */
  | { kind: 'stdin' }

type Opener = (words: readonly SeenWord[]) => Inner[]

/** Programs that run the command in their arguments, and the options before it. */
const RUNNERS: ReadonlyMap<string, OptionGrammar> = new Map(
  Object.entries<OptionGrammar>({
    sudo: { flags: 'AbEeHiKklnPSsVv', values: 'ugpCcDRTthUr', assigns: true },
    doas: { flags: 'Lns', values: 'aCu' },
    env: { flags: 'i0v', values: 'uCS', assigns: true, names: 'ignore-environment null debug' },
    nohup: {},
    timeout: { flags: 'vfp', values: 'sk', before: 1, names: 'foreground preserve-status verbose' },
    time: { flags: 'pvaV', values: 'fo' },
    nice: { flags: '0123456789', values: 'n' },
    ionice: { flags: 't', values: 'cn' },
    stdbuf: { values: 'ioe' },
    setsid: { flags: 'cfw' },
    chrt: { flags: 'abdfimorv', values: 'TPDR', before: 1 },
    taskset: { flags: 'ac', before: 1 },
    builtin: {},
    exec: { flags: 'cl', values: 'a' },
    noglob: {},
    nocorrect: {},
    coproc: {},
    xargs: {
      flags: '0optrx',
      values: 'adEIiLlnPs',
      optional: 'iel',
      names: 'null no-run-if-empty',
    },
    strace: { flags: 'fFcCdhiqrtTvVxyz', values: 'abeEIoOpPsSuUX' },
    ltrace: { flags: 'cCfhiLrStTV', values: 'aAdDeFlnopsuwx' },
    unshare: { flags: 'fmuinpUCTrc', names: 'fork mount pid net user map-root-user', optional: '' },
    nsenter: { flags: 'aFZ', values: 'tSGrw', optional: 'muinpUCT' },
    chroot: { before: 1, names: 'skip-chdir' },
    setpriv: { names: 'no-new-privs clear-groups keep-groups init-groups reset-env' },
    'dbus-run-session': {},
    'xvfb-run': { flags: 'al', values: 'efnps' },
    fakeroot: { flags: 'vh', values: 'lfsib' },
    proot: { flags: '0v', values: 'rbRSwq' },
    catchsegv: {},
    busybox: {},
    toybox: {},
    caffeinate: { flags: 'disum', values: 'tw' },
    'systemd-run': { flags: 'tPqGrSd', values: 'upEHM', names: 'user scope wait pty pipe collect' },
  }),
)

const SHELLS: ReadonlySet<string> = new Set(
  'sh bash dash zsh ksh mksh ash rbash hush busybox-sh fish'.split(' '),
)
const SHELL_OPTIONS: OptionGrammar = {
  flags: 'abefhiklmnprstuvxBCEHPTDlzfX',
  values: 'oO',
  names: 'login noprofile norc posix restricted verbose noediting debugger',
}

/** What else the command in these words runs. `words` is not empty. */
export function innerOf(words: readonly SeenWord[]): Inner[] {
  const program = programOfWord(words[0])
  if (SHELLS.has(program)) return innerOfShell(words)
  const special = SPECIAL.get(program)
  if (special !== undefined) return special(words)
  const grammar = RUNNERS.get(program)
  return grammar === undefined ? [] : ofRunner(words, grammar)
}

export function isShellProgram(program: string): boolean {
  return SHELLS.has(program)
}

function ofRunner(words: readonly SeenWord[], grammar: OptionGrammar): Inner[] {
  const { rest, isSure } = skipOptions(words.slice(1), grammar)
  return rest.length === 0
    ? []
    : [{ kind: 'words', words: rest, isSure: isSure && isFixed(words, rest) }]
}

/** Nothing before `rest` turns out to be no word, or several, or names files. */
function isFixed(words: readonly SeenWord[], rest: readonly SeenWord[]): boolean {
  return words.slice(0, words.length - rest.length).every((word) => word.isKnown && !word.isPattern)
}

/** `sh -c line name…`, `sh file…`, or a line from standard input. */
function innerOfShell(words: readonly SeenWord[]): Inner[] {
  const takesLine = words.findIndex(({ text }, i) => i > 0 && /^-[a-zA-Z]*c[a-zA-Z]*$/.test(text))
  const { rest, isSure } = skipOptions(words.slice(1), {
    ...SHELL_OPTIONS,
    flags: `${SHELL_OPTIONS.flags}c`,
  })
  const [first] = rest
  const isBefore = takesLine !== -1 && takesLine < words.length - rest.length
  if (isBefore && first !== undefined) {
    return [{ kind: 'script', words: [first], isSure: isSure && isFixed(words, rest) }]
  }
  const line = isSure || takesLine === -1 ? undefined : words[takesLine + 1]
  if (line !== undefined) return joined([line], false) // behind an option that nobody here knows
  return readsInput(first) || words.some(({ text }) => text === '-s') ? [{ kind: 'stdin' }] : []
}

/** @param file that a shell was given to run */
function readsInput(file: SeenWord | undefined): boolean {
  return file === undefined || file.text === '-' || file.text === '/dev/stdin'
}

const joined = (words: readonly SeenWord[], isSure: boolean): Inner[] =>
  words.length === 0 ? [] : [{ kind: 'script', words, isSure }]

/** Value of `-c` or of one of these long options. */
function lineOption(names: readonly string[]): (words: readonly SeenWord[]) => Inner[] {
  return (words) =>
    words.flatMap(({ text }, i) => {
      const next = words[i + 1]
      if (names.includes(text) && next !== undefined)
        return joined([next], isFixed(words, words.slice(i + 1)))
      const name = names.find((long) => long.startsWith('--') && text.startsWith(`${long}=`))
      const word = words[i]
      if (name === undefined || word === undefined) return []
      return joined([{ ...word, text: text.slice(name.length + 1) }], word.isKnown)
    })
}

const SPECIAL: ReadonlyMap<string, Opener> = new Map(
  Object.entries<Opener>({
    eval: (words) => joined(words.slice(1), true),
    trap: (words) =>
      joined(
        words
          .slice(1)
          .filter(({ text }) => !/^-{0,2}$/.test(text))
          .slice(0, 1),
        true,
      ),
    su: lineOption(['-c', '--command', '--session-command']),
    runuser: (words) => [
      ...lineOption(['-c', '--command'])(words),
      ...ofRunner(words, { flags: 'lfmpP', values: 'ugGsw' }),
    ],
    flock: (words) => {
      const lines = lineOption(['-c', '--command'])(words)
      const grammar = { flags: 'senxuoFv', values: 'wE', before: 1 }
      return lines.length > 0 ? lines : ofRunner(words, grammar)
    },
    env: (words) => [
      ...lineOption(['-S', '--split-string'])(words),
      ...gluedOption(words, /^-[i0v]*S(?=.)/),
      ...ofRunner(words, RUNNERS.get('env') ?? {}),
    ],
    command: (words) =>
      words.slice(1).some(({ text }) => /^-[pvV]*[vV]/.test(text))
        ? []
        : ofRunner(words, { flags: 'p' }),
    find: (words) => ofFind(words),
    xargs: (words) => ofXargs(words),
    ssh: (words) => ofSsh(words),
    alias: (words) =>
      words.slice(1).flatMap((word) => {
        const value = word.text.slice(word.text.indexOf('=') + 1)
        return word.text.includes('=') ? joined([{ ...word, text: value }], word.isKnown) : []
      }),
  }),
)

function gluedOption(words: readonly SeenWord[], beginning: RegExp): Inner[] {
  return words.flatMap((word) => {
    const text = word.text.replace(beginning, '')
    return text === word.text ? [] : joined([{ ...word, text }], word.isKnown)
  })
}

const FIND_RUNS = /^-(?:exec|execdir|ok|okdir)$/

function ofFind(words: readonly SeenWord[]): Inner[] {
  const inner: Inner[] = []
  for (let i = 1; i < words.length; i++) {
    if (!FIND_RUNS.test(words[i]?.text ?? '')) continue
    const from = i + 1
    const length = words.slice(from).findIndex(({ text }) => text === ';' || text === '+')
    const end = length === -1 ? words.length : from + length
    const command = words.slice(from, end).map((word) => withHole(word, '{}'))
    if (command.length > 0) {
      inner.push({ kind: 'words', words: command, isSure: isFixed(words, words.slice(from)) })
    }
    i = end
  }
  return inner
}

/** What stands there is put in when it runs. */
function withHole(word: SeenWord, hole: string): SeenWord {
  return word.text.includes(hole) ? { ...word, isKnown: false } : word
}

function ofXargs(words: readonly SeenWord[]): Inner[] {
  const [runner] = ofRunner(words, RUNNERS.get('xargs') ?? {})
  if (runner?.kind !== 'words') return []
  const options = words.slice(1, words.length - runner.words.length)
  const hole = holeOf(options.map(({ text }) => text))
  const command = runner.words.map((word) => (hole === undefined ? word : withHole(word, hole)))
  const more: SeenWord = { text: '', isKnown: false, isPattern: false, splits: true, outputs: [] }
  return [{ ...runner, words: hole === undefined ? [...command, more] : command }]
}

function holeOf(options: readonly string[]): string | undefined {
  for (const [i, option] of options.entries()) {
    const [, glued] = /^(?:-[0oprtx]*[Ii]|--replace=)(.*)$/.exec(option) ?? []
    if (glued !== undefined && glued !== '') return glued
    if (/^-[0oprtx]*I$/.test(option)) return options[i + 1] ?? '{}'
    if (/^(?:-[0oprtx]*i|--replace)$/.test(option)) return '{}'
  }
  return undefined
}

function ofSsh(words: readonly SeenWord[]): Inner[] {
  const grammar: OptionGrammar = {
    flags: '46AaCfGgKkMNnqsTtVvXxYy',
    values: 'BbcDEeFIiJLlmOoPpQRSWw',
  }
  const { rest, isSure } = skipOptions(words.slice(1), grammar)
  return joined(rest.slice(1), isSure && isFixed(words, rest.slice(1)))
}
