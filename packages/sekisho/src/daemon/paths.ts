import { existsSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where one instance of the platform keeps its things. */
export type Paths = {
  /** the clone */
  code: string
  /** survives restarts: log, keys, workspaces' changes */
  state: string
  keyholderState: string
  sessions: string
  /** cursors of the exports, and what they write into files */
  exporterState: string
  /** the log's verification key, written once by the supervisor: a changed key is noticed */
  logKey: string
  /** what is kept of the root key, where a process of its own has it */
  rootFile: string
  /** the root's public key, written once: all that an auditor has to be given */
  rootKey: string
  /** revocation lists of the platform's authorities, PEM */
  crl: string
  /** the bundle that was last put in force */
  policyFile: string
  /** what actions have come to, as far as constraints ask */
  ledgerFile: string
  /** what calls of models have come to, as far as budgets ask */
  spendFile: string
  /** gone at reboot */
  run: string
  apiSocket: string
  /** pid of a supervisor that an ordinary user runs */
  supervisorPid: string
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

/** The log as the exporter sees it: its files alone, read-only. */
export const LOG_IN_BOX = `${BOX}/log`

/** The exporter's state as the exporter sees it. */
export const EXPORTER_STATE = `${BOX}/exporter`

/** In the environment of whatever runs in an ordinary user's namespace, as its root. */
export const ROOTLESS_VARIABLE = 'SEKISHO_ROOTLESS'

/** `SEKISHO_HOME` puts a whole instance under one directory, for tests and drills. */
export function pathsFrom(environment: NodeJS.ProcessEnv): Paths {
  const code = resolve(dirname(fileURLToPath(import.meta.url)), '../../../..')
  const home = environment['SEKISHO_HOME']
  const { state, run, config } = placesOf(environment)
  return {
    code,
    state,
    keyholderState: join(state, 'keyholder'),
    sessions: join(state, 'sessions'),
    exporterState: join(state, 'exporter'),
    logKey: join(state, 'log.vkey'),
    rootFile: join(state, 'root.json'),
    rootKey: join(state, 'root.pem'),
    crl: join(state, 'crl.pem'),
    policyFile: join(state, 'policy.json'),
    ledgerFile: join(state, 'ledger.jsonl'),
    spendFile: join(state, 'spend.jsonl'),
    run,
    apiSocket: join(run, 'api.sock'),
    bundle: existsSync(config) ? config : join(code, 'policy'),
    isDisposable: home !== undefined,
    supervisorPid: join(run, 'supervisor.pid'),
  }
}

type Places = { state: string; run: string; config: string }

function placesOf(environment: NodeJS.ProcessEnv): Places {
  const home = environment['SEKISHO_HOME']
  if (home !== undefined) {
    const at = (name: string): string => join(resolve(home), name)
    return { state: at('state'), run: at('run'), config: at('policy') }
  }
  if (environment[ROOTLESS_VARIABLE] === undefined && process.getuid?.() === 0) {
    return { state: '/var/lib/sekisho', run: '/run/sekisho', config: '/etc/sekisho/policy' }
  }
  return usersPlaces(environment)
}

/** XDG Base Directory Specification 0.8. Without a run directory, one beside the state. */
function usersPlaces(environment: NodeJS.ProcessEnv): Places {
  const own = (variable: string, usual: string): string => {
    const value = environment[variable] ?? ''
    return join(isAbsolute(value) ? value : join(homedir(), usual), 'sekisho')
  }
  const state = own('XDG_STATE_HOME', '.local/state')
  const runtime = environment['XDG_RUNTIME_DIR'] ?? ''
  return {
    state,
    run: isAbsolute(runtime) ? join(runtime, 'sekisho') : join(state, 'run'),
    config: join(own('XDG_CONFIG_HOME', '.config'), 'policy'),
  }
}

/** For commands of the same user, which have to enter the supervisor's user namespace. */
export function writePidFile({ supervisorPid }: Pick<Paths, 'supervisorPid'>): void {
  writeFileSync(supervisorPid, `${process.pid}\n`, { mode: 0o600 })
}
