import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LeafInput } from '../../wire/leaves.ts'
import type { Attendant, LiveSession } from '../attendants/attendant.ts'
import { type Attempt, Containment } from '../containment.ts'
import { Quarantine } from '../quarantine.ts'

export const FIRST = 's-00000000000000000001'
export const SECOND = 's-00000000000000000002'
export const NOW = new Date('2026-03-01T12:00:00.000Z')
export const QUARANTINE = 'q-00000000000000000001'
/** of the first session, by its name and {@link NOW} */
export const EVIDENCE = `${FIRST}-20260301T120000000Z`

type Faults = { freeze?: () => Promise<void>; record?: (leaf: LeafInput) => Promise<void> }
type Rows = Partial<Pick<LiveSession['plan'], 'agent' | 'configuration' | 'containment'>>

export const digest = (character: string): string => `sha256:${character.repeat(64)}`
export const sha256 = (text: string): string =>
  `sha256:${createHash('sha256').update(text).digest('hex')}`

/** Containment of sessions that have one real process each, and cgroups that only write down. */
export class ContainmentBench {
  readonly directory = mkdtempSync(join(tmpdir(), 'sekisho-containment-'))
  readonly child: ChildProcess = spawn('sleep', ['3600'], { cwd: '/', stdio: 'ignore' })
  /** what was done to cgroups and sessions, in order */
  readonly did: string[] = []
  readonly contained: string[] = []
  readonly leaves: LeafInput[] = []
  readonly warned: string[] = []
  logSize = async (): Promise<number> => 42
  readonly quarantine = new Quarantine({
    file: join(this.directory, 'quarantine.json'),
    record: async () => undefined,
    operators: () => [],
    now: () => NOW,
    newId: () => QUARANTINE,
  })
  readonly containment = new Containment({
    quarantine: this.quarantine,
    evidence: join(this.directory, 'evidence'),
    sessions: join(this.directory, 'sessions'),
    logSize: () => this.logSize(),
    now: () => NOW,
    warn: (line) => void this.warned.push(line),
    contained: (session, { kind }) => void this.contained.push(`${session} ${kind}`),
  })

  static async open(): Promise<ContainmentBench> {
    const bench = new ContainmentBench()
    await once(bench.child, 'spawn')
    return bench
  }

  close(): void {
    this.child.kill('SIGKILL')
    rmSync(this.directory, { recursive: true, force: true })
  }

  attempted(fields: Partial<Attempt> = {}): void {
    this.containment.attempted(FIRST, {
      kind: 'syscall',
      what: 'mount',
      names: ['mount'],
      pid: this.child.pid ?? 0,
      command: 'sleep',
      args: ['0x1'],
      atMs: performance.now(),
      ...fields,
    })
  }

  /** A session with one real process, whose cgroup writes down what is done to it. */
  begin(session: string, rows: Rows = {}, faults: Faults = {}): Attendant {
    const { containment: policy, ...names } = rows
    const changes = join(this.directory, 'changes', session)
    const scratch = join(this.directory, 'scratch', session)
    for (const path of [changes, scratch]) mkdirSync(path, { recursive: true })
    const procs = join(this.directory, `${session}.procs`)
    writeFileSync(procs, `${this.child.pid}\n`)
    const fields = {
      plan: {
        session,
        agent: 'coder',
        configuration: digest('a'),
        rootfs: { kind: 'host' },
        secrets: [
          {
            binding: { name: 'key' },
            from: { kind: 'env', variable: 'PRIVATE_NAME' },
            variable: 'KEY',
          },
        ],
        environment: { TOKEN: 'a value that may be secret' },
        containment: policy ?? {
          onEscape: 'contain',
          tolerated: ['ptrace', 'socket:netlink-diag'],
        },
        ...names,
      },
      cgroup: {
        processesFile: procs,
        freeze: () => {
          this.did.push(`${session} freeze`)
          return faults.freeze?.() ?? Promise.resolve()
        },
        kill: () => void this.did.push(`${session} kill`),
      },
      initPid: this.child.pid,
      firstLeaf: 7,
      places: { changes, scratch },
      stop: (reason: string) => void this.did.push(`${session} stop ${reason}`),
      record: async (leaf: LeafInput) => {
        await faults.record?.(leaf)
        this.leaves.push(LeafInput.parse(leaf))
      },
    }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the part that is looked at
    return this.containment.attend(fields as unknown as LiveSession)
  }

  /** a path in the first session's layer of changes */
  changed(...path: string[]): string {
    return join(this.directory, 'changes', FIRST, ...path)
  }

  /** the text of a file of the first session's evidence */
  kept(name: string): string {
    return readFileSync(join(this.directory, 'evidence', EVIDENCE, name), 'utf8')
  }
}
