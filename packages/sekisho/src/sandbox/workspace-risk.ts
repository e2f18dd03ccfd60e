import type { Change, Side } from './workspace-diff.ts'

/**
 * Files that run commands, or steer another agent, as soon as their directory is used: opening it
 * in an editor, entering it in a shell, the next commit, the next session (P7.4).
 */
const CONFIG: readonly RegExp[] = [
  // git: what it runs, and where it is told to look for the rest
  /(^|\/)\.git$/i,
  /(^|\/)\.git\/(.*\/)?(hooks|config|config\.worktree|info\/attributes|commondir|gitdir)(\/|$)/i,
  /(^|\/)\.git\/(.*\/)?objects\/info\/(http-)?alternates$/i,
  /(^|\/)\.(gitmodules|gitattributes|gitconfig|lfsconfig|githooks)(\/|$)/i,
  /(^|\/)(\.pre-commit-config|\.?lefthook)\.ya?ml$/i,
  // editors and what they run when a directory is opened
  /(^|\/)\.(vscode|idea|run|zed|fleet|devcontainer|direnv)(\/|$)/i,
  /(^|\/)\.devcontainer\.json$/i,
  /(^|\/)\.(envrc|exrc|vimrc|nvimrc|nvim\.lua|gdbinit|lldbinit|dir-locals\.el)$/i,
  // build servers
  /(^|\/)\.(husky|circleci|cargo|mvn|buildkite|woodpecker|forgejo|gitea)(\/|$)/i,
  /(^|\/)\.github\/(workflows|actions)(\/|$)/i,
  /(^|\/)\.(gitlab-ci|drone|woodpecker|travis)\.ya?ml$/i,
  // agents: orders, tools, skills
  /(^|\/)\.(claude|codex|gemini|cursor|opencode|openclaw|continue|windsurf|agents|qwen|roo)(\/|$)/i,
  /(^|\/)\.(kiro|junie|amazonq|trae|goose|crush|clinerules|cursorrules|windsurfrules)(\/|$)/i,
  /(^|\/)\.github\/(copilot-instructions\.md$|(instructions|prompts|agents|chatmodes)(\/|$))/i,
  /(^|\/)(\.?mcp\.json|opencode\.jsonc?|\.roomodes|\.goosehints|\.aider\.conf\.yml)$/i,
  /(^|\/)(AGENTS|CLAUDE|GEMINI|QWEN|CRUSH)(\.local|\.override)?\.md$/i,
  // shells, package managers, schedules
  /(^|\/)\.(bashrc|bash_profile|bash_login|bash_logout|bash_aliases|profile|inputrc)$/i,
  /(^|\/)\.(zshrc|zshenv|zprofile|zlogin|zlogout|kshrc|cshrc|tcshrc|login)$/i,
  /(^|\/)\.(npmrc|pypirc|netrc|pnpmfile\.cjs|yarnrc(\.yml)?|curlrc|wgetrc)$/i,
  /(^|\/)(pip\.conf|pnpmfile\.cjs|bunfig\.toml|(mise|\.mise)(\.local)?\.toml|\.?crontab)$/i,
]

export type Risk =
  /** an ordinary change */
  | { kind: 'none' }
  /** taken only when asked for */
  | { kind: 'config' }
  /** never taken */
  | { kind: 'refused'; reason: string }

/**
 * What is to be thought of one change before it reaches the user's own files.
 *
 * @param areas paths that the session should not have changed, beside those of the list
 */
export function riskOf({ path, before, after }: Change, areas: readonly string[] = []): Risk {
  const reason = after === null ? undefined : refusal(path, { before, after })
  if (reason !== undefined) return { kind: 'refused', reason }
  return isConfiguration(path, areas) ? { kind: 'config' } : { kind: 'none' }
}

/** Whether a path holds, or lies in what holds, orders for people's tools or for an agent. */
export function isConfiguration(path: string, areas: readonly string[] = []): boolean {
  return (
    CONFIG.some((pattern) => pattern.test(path)) ||
    areas.some((area) => path === area || path.startsWith(`${area}/`))
  )
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
