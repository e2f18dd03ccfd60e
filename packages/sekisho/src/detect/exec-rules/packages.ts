import type { ExecRule, ExecView } from './rule.ts'
import { baseName } from './shell-text.ts'

/** Package managers by program, with the words that install. */
const INSTALLS: Readonly<Record<string, RegExp>> = {
  npm: /^(?:install|i|in|add|ci|update|exec|x)$/,
  'npm-cli.js': /^(?:install|i|in|add|ci|update|exec|x)$/,
  'npx-cli.js': /^[^-]/,
  pnpm: /^(?:install|i|add|update|dlx)$/,
  'pnpm.cjs': /^(?:install|i|add|update|dlx)$/,
  'yarn.js': /^(?:install|add|upgrade|dlx)$/,
  bun: /^(?:install|add|x)$/,
  pip: /^(?:install|download)$/,
  pip3: /^(?:install|download)$/,
  pipx: /^(?:install|run|inject)$/,
  uv: /^(?:add|sync|pip|tool)$/,
  poetry: /^(?:install|add|update)$/,
  conda: /^(?:install|create|update)$/,
  gem: /^install$/,
  bundle: /^(?:install|add|update)$/,
  cargo: /^(?:install|add)$/,
  go: /^(?:install|get)$/,
  composer: /^(?:install|require|update)$/,
  luarocks: /^install$/,
  cpan: /^[^-]/,
  cpanm: /^[^-]/,
}
const SYSTEM_INSTALLS: Readonly<Record<string, RegExp>> = {
  apt: /^(?:install|upgrade|full-upgrade|reinstall)$/,
  'apt-get': /^(?:install|upgrade|dist-upgrade|reinstall)$/,
  aptitude: /^(?:install|upgrade|full-upgrade)$/,
  dpkg: /^(?:-i|--install|--unpack)$/,
  apk: /^add$/,
  dnf: /^(?:install|upgrade)$/,
  yum: /^(?:install|update)$/,
  rpm: /^(?:-[a-zA-Z]*[iU][a-zA-Z]*|--install|--upgrade)$/,
  pacman: /^-S/,
  zypper: /^(?:install|in)$/,
  brew: /^(?:install|upgrade)$/,
  snap: /^install$/,
  flatpak: /^install$/,
}
const GLOBAL = /^(?:-g|--global|--location=global|--break-system-packages)$/

export const PACKAGE_RULES: readonly ExecRule[] = [
  {
    name: 'system-package',
    severity: 'medium',
    reason: 'packages for the whole machine, or past its package manager',
    matches: (view) =>
      installs(view, SYSTEM_INSTALLS) ||
      (installs(view, INSTALLS) && view.args.some((arg) => GLOBAL.test(arg))),
  },
  {
    name: 'package-install',
    severity: 'low',
    reason: 'code of others comes into the session',
    matches: (view) => installs(view, INSTALLS) && !view.args.some((arg) => GLOBAL.test(arg)),
  },
]

function installs(view: ExecView, known: Readonly<Record<string, RegExp>>): boolean {
  const { tool, words } = toolOf(view)
  const verb = Object.hasOwn(known, tool) ? known[tool] : undefined
  if (verb === undefined) return false
  // the verb is the first word that is no option; dpkg and its like have options for verbs
  return words.some(
    (word, i) => verb.test(word) && words.slice(0, i).every((w) => w.startsWith('-')),
  )
}

/** The tool behind an interpreter: `python -m pip`, `node …/npm-cli.js`. */
function toolOf({ program, args, isInterpreter }: ExecView): {
  tool: string
  words: readonly string[]
} {
  if (isInterpreter) return { tool: '', words: [] }
  if (/^python[\d.]*$/.test(program) && args[0] === '-m')
    return { tool: args[1] ?? '', words: args.slice(2) }
  if (program === 'node') return { tool: baseName(args[0] ?? ''), words: args.slice(1) }
  return { tool: program.replace(/^pip3?\.\d+$/, 'pip'), words: args }
}
