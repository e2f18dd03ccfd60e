import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Peer } from '../../wire/peer.ts'
import { supervisorToRoot } from '../../wire/root.ts'
import type { HeldRootSettings } from '../../wire/root-settings.ts'
import { ipcTransport } from '../../wire/transport.ts'
import { rootRights } from '../root-child.ts'
import type { RootChild, RootPeer } from '../root-process.ts'

const CODE = join(import.meta.dirname, '../../../../..')

/** The real process with its real rights, as this user and without the supervisor's namespaces. */
export class ForkedRoot implements RootChild {
  readonly #settings: HeldRootSettings
  #process: ChildProcess | undefined
  #peer: RootPeer | undefined
  /** what it wrote anywhere */
  output = ''

  constructor(settings: HeldRootSettings) {
    this.#settings = settings
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** as everybody on this machine can see it */
  get commandLine(): readonly string[] {
    return this.#process?.spawnargs ?? []
  }

  get isGone(): boolean {
    return this.#process?.exitCode !== null || this.#process.signalCode !== null
  }

  get peer(): RootPeer {
    if (this.#peer === undefined) throw new Error('it is not started')
    return this.#peer
  }

  async start(): Promise<void> {
    const { permissions, environment } = rootRights(this.#settings)
    const rights = ['--permission', `--allow-fs-read=${CODE}`, ...permissions]
    const child = fork(join(CODE, 'packages/sekisho/src/daemon/root-main.ts'), [], {
      execArgv: [...rights, '--disable-warning=ExperimentalWarning'],
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    this.#process = child
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (text: Buffer) => {
        this.output += String(text)
      })
    }
    const [said]: unknown[] = await once(child, 'message')
    if (said !== 'ready') throw new Error(`it said ${JSON.stringify(said)}`)
    this.#peer = new Peer('root', ipcTransport(child), {
      out: supervisorToRoot,
      in: {},
      handlers: {},
    })
    child.once('exit', () => this.#peer?.close())
  }

  async stop(graceMs: number): Promise<void> {
    const child = this.#process
    if (child === undefined || this.isGone) return
    const gone = once(child, 'exit')
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
    if (child.connected) child.disconnect()
    await gone
    clearTimeout(timer)
  }
}
