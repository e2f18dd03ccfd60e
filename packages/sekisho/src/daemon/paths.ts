import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where one instance of the platform keeps its things. */
export type Paths = {
  /** the clone */
  code: string
  /** survives restarts: log, keys, workspaces' changes */
  state: string
  keyholderState: string
  sessions: string
  /** the log's verification key, written once by the supervisor: a changed key is noticed */
  logKey: string
  /** gone at reboot */
  run: string
  apiSocket: string
  /** the policy bundle */
  bundle: string
  /** the whole instance lies under SEKISHO_HOME, to be removed some day */
  isDisposable: boolean
}

/**
 * In the supervisor's private mount namespace a tmpfs covers this directory; bundles, root file
 * systems and overlays live there, so nothing of them outlives the supervisor's processes, and
 * no directory mode of the host stands in a sandbox user's way.
 */
export const BOX = '/run/sekisho-box'

/** What stands for a session, or waits for one: a bundle and its mounts, each named after its berth. */
export const BERTHS_IN_BOX = `${BOX}/s`

/** The keyholder's state as the keyholder sees it. */
export const KEYHOLDER_STATE = `${BOX}/keyholder`

/** `SEKISHO_HOME` puts a whole instance under one directory, for tests and drills. */
export function pathsFrom(environment: NodeJS.ProcessEnv): Paths {
  const code = resolve(dirname(fileURLToPath(import.meta.url)), '../../../..')
  const home = environment['SEKISHO_HOME']
  const state = home === undefined ? '/var/lib/sekisho' : join(resolve(home), 'state')
  const run = home === undefined ? '/run/sekisho' : join(resolve(home), 'run')
  return {
    code,
    state,
    keyholderState: join(state, 'keyholder'),
    sessions: join(state, 'sessions'),
    logKey: join(state, 'log.vkey'),
    run,
    apiSocket: join(run, 'api.sock'),
    bundle: bundleOf(home, code),
    isDisposable: home !== undefined,
  }
}

function bundleOf(home: string | undefined, code: string): string {
  const own = home === undefined ? '/etc/sekisho/policy' : join(resolve(home), 'policy')
  return existsSync(own) ? own : join(code, 'policy')
}
