import type { Change, Side } from './workspace-diff.ts'

/**
 * Files that run commands, or steer another agent, as soon as their directory is used: opening it
 * in an editor, entering it in a shell, the next commit, the next session (P7.4).
 */
const CONFIG: readonly RegExp[] = [
  /(^|\/)\.git$/,
  /(^|\/)\.git\/(.*\/)?(hooks|config|config\.worktree|info\/attributes)(\/|$)/,
  /(^|\/)\.git(modules|attributes)$/,
  /(^|\/)\.(vscode|idea|devcontainer|husky|circleci|cargo|mvn|direnv)(\/|$)/,
  /(^|\/)\.(claude|codex|gemini|cursor|opencode|openclaw|continue|windsurf)(\/|$)/,
  /(^|\/)\.github\/(workflows|actions)(\/|$)/,
  /(^|\/)\.gitlab-ci\.ya?ml$/,
  /(^|\/)\.envrc$/,
  /(^|\/)(mise|\.mise)(\.local)?\.toml$/,
  /(^|\/)\.?mcp\.json$/,
  /(^|\/)(AGENTS|CLAUDE|GEMINI)(\.local)?\.md$/i,
  /(^|\/)\.(cursorrules|windsurfrules|clinerules)$/,
  /(^|\/)\.(npmrc|pypirc|netrc|pnpmfile\.cjs|yarnrc(\.yml)?)$/,
  /(^|\/)(pip\.conf|lefthook\.ya?ml)$/,
  /(^|\/)\.pre-commit-config\.ya?ml$/,
  /(^|\/)\.(bashrc|bash_profile|profile|zshrc|zshenv|exrc|vimrc|nvimrc|gdbinit|lldbinit)$/,
  /(^|\/)\.dir-locals\.el$/,
]

export type Risk =
  /** an ordinary change */
  | { kind: 'none' }
  /** taken only when asked for */
  | { kind: 'config' }
  /** never taken */
  | { kind: 'refused'; reason: string }

/** What is to be thought of one change before it reaches the user's own files. */
export function riskOf({ path, before, after }: Change): Risk {
  const reason = after === null ? undefined : refusal(path, { before, after })
  if (reason !== undefined) return { kind: 'refused', reason }
  return CONFIG.some((pattern) => pattern.test(path)) ? { kind: 'config' } : { kind: 'none' }
}

function refusal(
  path: string,
  { before, after }: { before: Change['before']; after: NonNullable<Change['after']> },
): string | undefined {
  switch (after.type) {
    case 'other':
      return 'a device, fifo or socket'
    case 'symlink':
      return leadsOut(path, after.target ?? '')
        ? `a link that leads out: ${after.target ?? ''}`
        : undefined
    case 'directory':
      return specialBits(before, after)
    case 'file':
      return after.links > 1 ? 'a hard link' : specialBits(before, after)
  }
}

/** Bits that were the user's own may stay. */
function specialBits(before: Side | null, after: Side): string | undefined {
  const special = after.mode & 0o7000
  const known = special === 0 || special === ((before?.mode ?? 0) & 0o7000)
  return known ? undefined : 'setuid, setgid or sticky'
}

/**
 * `..` may only come first, where it climbs real directories. Later it would climb from wherever
 * another link has led, so what it reaches cannot be told from the text.
 */
export function leadsOut(path: string, target: string): boolean {
  const parts = target.split('/').filter((part) => part !== '' && part !== '.')
  const climbs = parts.findIndex((part) => part !== '..')
  const ups = climbs === -1 ? parts.length : climbs
  const depth = path.split('/').length - 1
  return target.startsWith('/') || ups > depth || parts.slice(ups).includes('..')
}
