import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Layers } from '../workspace-diff.ts'

export type TestOverlay = {
  /** holds the layers and whatever else a test puts there */
  root: string
  layers: Layers
  /** host path in the user's directory */
  lower(path?: string): string
  /** the user's directory before the session: a shell script in it */
  user(script: string): void
  /** what a session does: a shell script on a real overlay, with the supervisor's options */
  session(script: string): void
  remove(): void
}

const OPTIONS = 'redirect_dir=nofollow,metacopy=off,index=off,xino=off'

export function testOverlay(): TestOverlay {
  const root = mkdtempSync(join(tmpdir(), 'sekisho-workspace-'))
  for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(join(root, name))
  const mount = `mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work,${OPTIONS} overlay merged`
  const lower = (path = ''): string => join(root, 'lower', path)
  return {
    root,
    layers: { lower: lower(), upper: join(root, 'upper') },
    lower,
    user: (script) => void execFileSync('sh', ['-ec', script], { cwd: lower(), stdio: 'pipe' }),
    session: (script) => {
      const inside = `${mount}; cd merged; ${script}`
      execFileSync('unshare', ['--mount', 'sh', '-ec', inside], { cwd: root, stdio: 'pipe' })
    },
    remove: () => rmSync(root, { recursive: true }),
  }
}
