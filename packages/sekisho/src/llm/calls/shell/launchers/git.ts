import type { LaunchRow } from './launch-row.ts'

/** Settings whose value git runs (git-config(1)). */
const LINE_KEYS = [
  'core\\.(?:pager|editor|sshcommand|askpass|fsmonitor|gitproxy|alternaterefscommand)',
  'sequence\\.editor',
  'pager\\.[^=]+',
  'diff\\.external',
  'diff\\.[^=]+\\.(?:command|textconv)',
  'filter\\.[^=]+\\.(?:clean|smudge|process)',
  'merge\\.[^=]+\\.driver',
  '(?:merge|diff|gui)tool\\.[^=]+\\.(?:cmd|path)',
  '(?:browser|man)\\.[^=]+\\.(?:cmd|path)',
  'gpg\\.(?:[^=]+\\.)?(?:program|defaultkeycommand)',
  'remote\\.[^=]+\\.(?:uploadpack|receivepack)',
  'sendemail\\.(?:[^=]+\\.)?(?:sendmailcmd|smtpserver|tocmd|cccmd|headercmd)',
  'uploadpack\\.packobjectshook',
  'interactive\\.difffilter',
  'tar\\.[^=]+\\.command',
  'trailer\\.[^=]+\\.(?:command|cmd)',
  'hook\\.[^=]+\\.command',
  'instaweb\\.(?:httpd|browser)',
].join('|')
/** Settings that name a place with code, or with more settings. */
const PLACE_KEYS = 'core\\.hookspath|init\\.templatedir|include\\.path|includeif\\.[^=]+\\.path'
/** Settings that have a line behind `!`. */
const ESCAPE_KEYS = 'alias\\.[^=]+|credential\\.(?:[^=]+\\.)?helper|submodule\\.[^=]+\\.update'

/** `-c key=value`, `--config=key=value`, `-ckey=value`, and `key value` behind `config`. */
const keyed = (keys: string): RegExp =>
  new RegExp(`^(?:-c|--config=)?(?:${keys})(?:=([\\s\\S]*))?$`, 'i')

const NAMED = { programs: 'git' } as const

export const GIT_ROWS: readonly LaunchRow[] = [
  {
    ...NAMED,
    form: keyed(LINE_KEYS),
    example: '-c core.pager=',
    holds: 'line',
    why: 'git runs the value of this setting',
  },
  {
    ...NAMED,
    form: keyed(ESCAPE_KEYS),
    example: '-c alias.x=!',
    holds: 'escape',
    why: 'with ! in front, git runs the value',
  },
  {
    ...NAMED,
    form: keyed(PLACE_KEYS),
    example: '-c core.hooksPath=',
    holds: 'code',
    why: 'git runs hooks that lie there, or reads settings there',
  },
  {
    ...NAMED,
    form: /^--config-env(?:=([\s\S]*))?$/,
    example: '--config-env=',
    holds: 'code',
    why: 'a setting that a variable holds',
  },
  {
    ...NAMED,
    form: /^(?:\w+=)?ext::([\s\S]+)$/,
    example: 'clone ext::',
    holds: 'line',
    why: 'the transport ext runs its address',
  },
  {
    ...NAMED,
    options: '--upload-p|ack --receive-p|ack',
    holds: 'line',
    why: 'runs it to talk to a repository',
  },
  {
    ...NAMED,
    after: 'clone',
    options: '-u',
    holds: 'line',
    why: 'the short form of --upload-pack',
  },
  {
    ...NAMED,
    after: 'ls-remote fetch-pack send-pack push archive',
    options: '--exec',
    holds: 'line',
    why: 'runs it to talk to a repository',
  },
  { ...NAMED, options: '--exec-path', holds: 'code', why: 'its own programs are taken from there' },
  {
    ...NAMED,
    after: 'rebase',
    options: '-x --exec',
    flags: 'iknqrv',
    holds: 'line',
    why: 'runs it after each commit',
  },
  {
    ...NAMED,
    after: 'difftool',
    options: '-x --ext|cmd',
    flags: 'dgy',
    holds: 'line',
    why: 'runs it for each file',
  },
  {
    ...NAMED,
    after: 'grep',
    options: '-O --open-files-in-pager',
    flags: 'EFGHILPWacefhilnopqrvwz',
    holds: 'line',
    why: 'opens what it finds with it',
  },
  {
    ...NAMED,
    after: 'filter-branch',
    options:
      '--env-filter --tree-filter --index-filter --parent-filter --msg-filter --commit-filter --tag-name-filter --setup',
    holds: 'line',
    why: 'runs it for each commit',
  },
  {
    ...NAMED,
    after: 'send-email',
    options: '--sendmail-cmd --smtp-server --to-cmd --cc-cmd --header-cmd',
    holds: 'line',
    why: 'runs it for each mail',
  },
  {
    ...NAMED,
    after: 'daemon',
    options: '--access-hook',
    holds: 'line',
    why: 'runs it for each client',
  },
  {
    ...NAMED,
    after: 'clone init',
    options: '--template',
    holds: 'code',
    why: 'hooks are copied from there',
  },
  {
    ...NAMED,
    after: 'foreach bisect+run',
    operands: { flags: 'q', names: 'recursive quiet' },
    holds: 'rest',
    why: 'submodule foreach and bisect run take a command',
  },
  { ...NAMED, after: 'shell', options: '-c', holds: 'line', why: 'git shell runs it' },
  {
    programs: 'hg',
    form: /^(?:--config=)?(?:alias\..+|hooks\..+|ui\.(?:editor|ssh|merge|pager)|pager\.pager|extensions\..+|merge-tools\..+|diff-tools\..+)=([\s\S]*)$/i,
    example: '--config alias.x=!',
    holds: 'code',
    why: 'Mercurial runs the value of this setting',
  },
  {
    programs: 'hg',
    options: '-e --ssh --remotecmd',
    holds: 'line',
    why: 'runs it to talk to a repository',
  },
  {
    programs: 'svn',
    form: /^(?:--config-option=)?config:(?:tunnels|helpers):[\w-]+=([\s\S]*)$/,
    example: '--config-option config:tunnels:ssh=',
    holds: 'line',
    why: 'runs it to talk to a repository, or as an editor',
  },
  {
    programs: 'svn',
    options: '--diff-cmd --diff3-cmd --editor-cmd',
    holds: 'line',
    why: 'runs it to compare or to edit',
  },
  { programs: 'gh', after: 'alias', options: '-s --shell', holds: 'code', why: 'a line for later' },
]
