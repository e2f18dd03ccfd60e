import type { LaunchRow } from './launch-row.ts'

const SCRIPT = { holds: 'code', why: 'commands of the editor, which run others' } as const
const VIMS = 'vi vim vimdiff view rvim rview ex nvim gvim vim.basic vim.tiny nvi elvis'

/** Editors, pagers, and debuggers. */
export const EDITOR_ROWS: readonly LaunchRow[] = [
  { programs: VIMS, options: '-c --cmd -S -s -u -U -W -i -es', ...SCRIPT },
  { programs: VIMS, form: /^\+(.+)$/, example: '+!', ...SCRIPT },
  {
    programs: VIMS,
    form: /^--(?:remote-send|remote-expr|server-start|startuptime|embed)(?:=([\s\S]*))?$/,
    example: '--remote-expr ',
    ...SCRIPT,
  },
  {
    programs: 'emacs emacsclient mg jove',
    options: '--eval -eval -e --execute -l --load -f --funcall --script -x',
    ...SCRIPT,
  },
  {
    programs: 'nano rnano pico',
    options: '-s --speller',
    holds: 'line',
    why: 'checks the spelling with it',
  },
  { programs: 'less more most pg zless lessfile', form: /^\+(.+)$/, example: '+!', ...SCRIPT },
  { programs: 'less', options: '-k --lesskey-file --lesskey-src --lesskey-content', ...SCRIPT },
  {
    programs: 'man',
    options: '-P --pager',
    flags: 'afkwWDKiIuc',
    holds: 'line',
    why: 'shows a page with it',
  },
  {
    programs: 'man groff troff',
    options: '-H --html -C --config-file',
    holds: 'code',
    why: 'shows or makes a page with it',
  },
  {
    programs: 'bat batcat delta',
    options: '--pager',
    holds: 'line',
    why: 'shows what it reads with it',
  },
  {
    programs: 'gdb gdb-multiarch rust-gdb gdbtui cgdb',
    options:
      '-ex -iex -eiex -x -ix -eix -eval-command --eval-command -init-eval-command --init-eval-command -command --command --init-command -batch-command',
    ...SCRIPT,
  },
  {
    programs: 'gdb gdb-multiarch rust-gdb gdbtui',
    options: '--args -args',
    holds: 'words',
    why: 'starts it to look into it',
  },
  {
    programs: 'lldb rust-lldb',
    options:
      '-o -O -s -S -k -K --one-line --one-line-before-file --source --source-before-file --one-line-on-crash',
    ...SCRIPT,
  },
  {
    programs: 'lldb',
    form: /^--$/,
    example: '-- ',
    holds: 'words',
    why: 'starts it to look into it',
  },
  {
    programs: 'ed red',
    form: /^!([\s\S]+)$/,
    example: '!',
    holds: 'line',
    why: 'reads what it prints',
  },
  { programs: 'fzf', options: '--preview', holds: 'line', why: 'shows a line with it' },
  { programs: 'fzf', options: '--bind', holds: 'code', why: 'actions of keys run programs' },
  { programs: 'rg ripgrep', options: '--pre', holds: 'program', why: 'reads files through it' },
  {
    programs: 'rg ripgrep',
    options: '--hostname-bin',
    holds: 'program',
    why: 'asks it for the name of the host',
  },
  {
    programs: 'fd fdfind',
    options: '-x -X --exec --exec-batch',
    flags: 'HILuasglpE0',
    holds: 'words',
    why: 'runs it for what it finds',
  },
]
