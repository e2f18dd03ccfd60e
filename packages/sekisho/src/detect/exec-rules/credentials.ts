import { isShell } from './exec-view.ts'
import type { ExecRule, ExecView } from './rule.ts'
import type { Command } from './shell-text.ts'

const FINDERS =
  /^(?:linpeas|linenum|lse|lazagne|mimipenguin|mimikatz|linux-exploit-suggester|unix-privesc-check|pspy(?:32|64)?)(?:\.sh|\.py)?$/i
const KEY_FILE =
  /(?:^|\/)(?:\.ssh\/(?:id_\w+|authorized_keys)(?!\.pub)|\.aws\/credentials|\.config\/gcloud\/\S*credentials\S*|\.kube\/config|\.docker\/config\.json|\.netrc|\.pgpass|\.git-credentials|\.npmrc|\.pypirc|\.claude\/\.credentials\.json|\.codex\/auth\.json)$/
const SHADOW = /^\/etc\/g?shadow-?$|^\/proc\/(?:\d+|self|1)\/environ$/
const UPLOADERS: ReadonlySet<string> = new Set([
  'curl',
  'wget',
  'nc',
  'ncat',
  'scp',
  'rsync',
  'http',
  'https',
])
const READERS: ReadonlySet<string> = new Set([
  'cat',
  'cp',
  'tar',
  'zip',
  'base64',
  'xxd',
  'head',
  'tail',
  'less',
  'more',
  'dd',
  'strings',
  'od',
])
/** What find looks for when it looks for keys. */
const KEY_NAME =
  /^\*?(?:id_(?:rsa|dsa|ecdsa|ed25519)\*?|\.?credentials(?:\.json)?|\.netrc|\.pgpass|\.git-credentials|\.aws|\.ssh|\*?\.(?:kdbx|ppk|p12|pfx)|wallet\.dat|shadow)$/
const WIDE_PLACE = /^(?:\/|\/home|\/root|\/etc|\/var|\/mnt|~|\$HOME|\/home\/\w+)\/?$/
const SECRET_WORD = /AKIA|PRIVATE KEY|passw|secret|api[_-]?key|token|gh[pous]_|sk-ant/i

export const CREDENTIAL_RULES: readonly ExecRule[] = [
  {
    name: 'credential-upload',
    severity: 'high',
    reason: 'a file of keys, or the whole environment, is sent away',
    matches: (view) => sendsKeys(view) || pipesSecrets(view),
  },
  {
    name: 'credential-finder',
    severity: 'medium',
    reason: 'looks for keys and passwords in places that are not the task’s',
    matches: (view) => FINDERS.test(view.program) || findsKeys(view) || grepsSecrets(view),
  },
  {
    name: 'credential-file',
    severity: 'medium',
    reason: 'reads a file that holds keys and nothing else',
    matches: ({ program, args }) =>
      READERS.has(program) && args.some((arg) => SHADOW.test(arg) || KEY_FILE.test(arg)),
  },
]

function sendsKeys({ program, args }: Pick<ExecView, 'program' | 'args'>): boolean {
  if (!UPLOADERS.has(program)) return false
  return args.some((arg, i) => {
    const before = args[i - 1] ?? ''
    if (before === '-i') return false // the key that scp signs in with
    if (
      /^(?:-T|--upload-file|--post-file)$/.test(before) ||
      program === 'scp' ||
      program === 'rsync'
    ) {
      return isKeyFile(arg)
    }
    const sent = /^(?:[^=]{0,64}=)?@(.+)$/.exec(arg)?.[1] ?? /^--post-file=(.+)$/.exec(arg)?.[1]
    return sent !== undefined && isKeyFile(sent)
  })
}

function isKeyFile(path: string): boolean {
  return KEY_FILE.test(path) || SHADOW.test(path) || /(?:^|\/)\.env$/.test(path)
}

function pipesSecrets({ program, pipelines }: ExecView): boolean {
  if (!isShell(program)) return false
  return pipelines.some((commands) => {
    const from = commands.findIndex(givesSecrets)
    return from !== -1 && commands.some((command, i) => i > from && sendsInput(command))
  })
}

function givesSecrets({ program, args }: Command): boolean {
  if (program === 'printenv' || program === 'env') return args.length === 0
  return READERS.has(program) && args.some((arg) => SHADOW.test(arg) || KEY_FILE.test(arg))
}

function sendsInput({ program, args }: Command): boolean {
  if (program === 'nc' || program === 'ncat') return true
  return (
    UPLOADERS.has(program) &&
    args.some((arg) => /^(?:[^=]{0,64}=)?@-$|^-$|^--post-file=-$/.test(arg))
  )
}

function findsKeys({ program, args }: ExecView): boolean {
  if (program !== 'find' && program !== 'locate') return false
  const looksFor = args.some((arg) => KEY_NAME.test(arg))
  return looksFor && (program === 'locate' || args.some((arg) => WIDE_PLACE.test(arg)))
}

function grepsSecrets({ program, args }: ExecView): boolean {
  if (!/^(?:[ef]?grep|rg|ag)$/.test(program)) return false
  return args.some((arg) => SECRET_WORD.test(arg)) && args.some((arg) => WIDE_PLACE.test(arg))
}
