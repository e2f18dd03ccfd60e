import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import type { Reactor } from '../kernel/reactor.ts'
import { killCgroup, pauseMs, removeCgroup, sweep } from './cgroup-end.ts'
import {
  type CgroupHierarchy,
  CONTROLLERS,
  type Controller,
  findHierarchies,
} from './cgroup-layout.ts'
import { delegateControllers } from './cgroup-delegate.ts'
import { type Place, type SessionLimits, setLimit } from './cgroup-limits.ts'
import { type CgroupUsage, readCpuMicros, readHits, readUsage } from './cgroup-usage.ts'
import { watchMemory } from './cgroup-watch.ts'

export { sweep } from './cgroup-end.ts'
export type { SessionLimits } from './cgroup-limits.ts'

export type SessionCgroup = {
  /** `cgroup.procs` files: a launcher that writes 0 to each has joined */
  readonly joinPaths: readonly string[]
  /** lists the session's processes, by host pids with white space between; empty: none to read */
  readonly processesFile: string
  /** told of the launcher once it runs: where there is no cgroup, that is what the session is */
  started(launcher: number): void
  /** what runs now is the agent's: where there is no cgroup, each process carries its limits */
  begin(): void
  /** once, before anything of the agent runs. @throws SekishoError SANDBOX_FAILED */
  limit(limits: SessionLimits): void
  /** what was used so far; a figure that this kernel does not give is absent */
  usage(): CgroupUsage
  /** of that, what tells of limits met */
  hits(): CgroupUsage
  /** processor time so far, of which idle sessions use none; absent as in `usage` */
  cpuMicros(): number | undefined
  /** see {@link watchMemory} */
  onMemoryLimit(reactor: Pick<Reactor, 'watch'>, onHit: () => void): () => void
  /** whether no process is left in it, not even one that is dying */
  isEmpty(): boolean
  /** stops every process where it is; resolves once all have stopped. @throws SekishoError TIMEOUT */
  freeze(timeoutMs?: number): Promise<void>
  /** undoes one freeze: what another has frozen too (to kill it, say) stays so */
  thaw(): void
  /** SIGKILL for every process, also one that is just being forked */
  kill(): void
  /**
   * Kills what is left and removes the directories; what resists is tried again later.
   *
   * @returns whether all of it is gone, and every process with it
   */
  remove(): boolean
}

export type Cgroups = {
  /** what sessions lack for want of cgroups, one line each */
  readonly degraded: readonly string[]
  /** this instance's parent directories, one per hierarchy; see `sweep` */
  readonly roots: readonly string[]
  /**
   * @param limits null leaves them to {@link SessionCgroup.limit}
   * @throws SekishoError SANDBOX_FAILED when a limit cannot be set
   */
  create(session: string, limits: SessionLimits | null): SessionCgroup
  /** kills every session and removes everything of this instance */
  close(): void
}

export type OpenOptions = {
  /** names the parent cgroup `sekisho-<instance>` */
  instance: string
  /** from `planCgroupMounts` */
  under: string
  /** text of /proc/self/mountinfo and /proc/self/cgroup, read after the plan's mounts */
  mountinfo: string
  membership: string
  /** an ordinary user's: what is not delegated is missing, and said */
  mayLack?: boolean
}

/** Where each limit is set, and the unified cgroup, which kills and freezes as one. */
type Places = { unified: string; controllers: Partial<Record<Controller, Rooted>> }
type Rooted = { version: 1 | 2; root: string }

const FREEZE_TIMEOUT_MS = 2000
const RETRY_EVERY_MS = 500

/**
 * Opens this instance's cgroups, and ends what an earlier run of it left behind.
 *
 * @throws SekishoError HOST_UNSUPPORTED when a limit has no controller on this host
 */
export function openCgroups(options: OpenOptions): Cgroups {
  if (!/^[a-z0-9-]{1,64}$/.test(options.instance)) {
    throw new SekishoError('CONFIG_INVALID', `instance name ${JSON.stringify(options.instance)}`, {
      hint: 'use lower-case letters, digits and -',
    })
  }
  const found = findHierarchies(options.mountinfo, options.membership, options.under)
  const places = choosePlaces(found, `sekisho-${options.instance}`, options.mayLack ?? false)
  const roots = rootsOf(places)
  sweep(roots)
  for (const root of roots) mkdirSync(root, { recursive: true, mode: 0o755 })
  delegateToSessions(places)
  const leftovers = new Leftovers()
  return {
    degraded: CONTROLLERS.filter((name) => places.controllers[name] === undefined).map(
      (name) => `limits: no cgroup controller for ${name} is delegated to this user`,
    ),
    roots,
    create: (session, limits) => createSession(places, { session, limits, leftovers }),
    close: () => {
      leftovers.forget()
      sweep(roots)
    },
  }
}

/** Cgroups whose last process was still being taken down: tried again until they are gone. */
class Leftovers {
  readonly #paths = new Set<string>()
  #timer: NodeJS.Timeout | undefined

  add(path: string): void {
    this.#paths.add(path)
    this.#timer ??= setInterval(() => this.#retry(), RETRY_EVERY_MS).unref()
  }

  forget(): void {
    this.#paths.clear()
    this.#rest()
  }

  #retry(): void {
    for (const path of this.#paths) if (removeCgroup(path)) this.#paths.delete(path)
    if (this.#paths.size === 0) this.#rest()
  }

  #rest(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

function choosePlaces(found: readonly CgroupHierarchy[], parent: string, mayLack: boolean): Places {
  const unified = found.find(({ version }) => version === 2)
  if (unified === undefined) throw unsupported('no unified cgroup hierarchy')
  const offered = readWords(join(unified.top, 'cgroup.controllers'))
  const wanted = CONTROLLERS.filter((name) => offered.includes(name))
  const base = wanted.length === 0 ? unified.own : delegateControllers(unified, wanted)
  const controllers: Places['controllers'] = {}
  for (const name of CONTROLLERS) {
    const old = found.find((hierarchy) => hierarchy.controllers.includes(name))
    if (wanted.includes(name)) controllers[name] = { version: 2, root: join(base, parent) }
    else if (old !== undefined) controllers[name] = { version: 1, root: join(old.own, parent) }
    else if (!mayLack) throw unsupported(`no cgroup controller for ${name}`)
  }
  return { unified: join(base, parent), controllers }
}

function delegateToSessions({ unified, controllers }: Places): void {
  const here = CONTROLLERS.filter((name) => controllers[name]?.version === 2)
  if (here.length === 0) return
  write(unified, 'cgroup.subtree_control', here.map((name) => `+${name}`).join(' '))
}

type Creating = { session: string; limits: SessionLimits | null; leftovers: Leftovers }

function createSession(places: Places, { session, limits, leftovers }: Creating): SessionCgroup {
  if (!/^[a-z0-9-]{1,64}$/.test(session)) {
    throw new SekishoError('SANDBOX_FAILED', `session name ${JSON.stringify(session)}`)
  }
  const at = (root: string): string => join(root, session)
  const unified = at(places.unified)
  const directories = rootsOf(places).map(at)
  const remove = (): boolean => {
    killCgroup(unified)
    const resisting = directories.filter((path) => !removeCgroup(path))
    for (const path of resisting) leftovers.add(path)
    return resisting.length === 0
  }
  const limitAll = (to: SessionLimits): void => setLimits(places, session, to)
  const orRemove = (act: () => void): void => {
    try {
      act()
    } catch (cause) {
      remove()
      throw new SekishoError('SANDBOX_FAILED', `limits of ${session} cannot be set`, { cause })
    }
  }
  orRemove(() => {
    for (const path of directories) mkdirSync(path, { mode: 0o755 })
    if (limits !== null) limitAll(limits)
  })
  let holds = 0
  return {
    limit: (to) => orRemove(() => limitAll(to)),
    joinPaths: directories.map((path) => join(path, 'cgroup.procs')),
    processesFile: join(directories[0] ?? unified, 'cgroup.procs'),
    started: () => undefined,
    begin: () => undefined,
    ...figuresOf(places, session),
    isEmpty: () => !isPopulated(unified),
    freeze: (timeoutMs = FREEZE_TIMEOUT_MS) => {
      holds += 1
      return freeze(unified, timeoutMs)
    },
    thaw: () => {
      holds = Math.max(0, holds - 1)
      if (holds === 0) write(unified, 'cgroup.freeze', '0')
    },
    kill: () => killCgroup(unified),
    remove,
  }
}

function setLimits(places: Places, session: string, to: SessionLimits): void {
  for (const name of CONTROLLERS) {
    const place = placeOf(places, name, session)
    if (place !== undefined) setLimit(name, place, to)
  }
}

type Figures = Pick<SessionCgroup, 'usage' | 'hits' | 'cpuMicros' | 'onMemoryLimit'>

function figuresOf(places: Places, session: string): Figures {
  const memory = placeOf(places, 'memory', session)
  const unified = join(places.unified, session)
  const at = {
    unified,
    memory: memory?.directory ?? unified,
    pids: placeOf(places, 'pids', session)?.directory ?? unified,
    cpu: placeOf(places, 'cpu', session)?.directory ?? unified,
  }
  return {
    usage: () => readUsage(at),
    hits: () => readHits(at),
    cpuMicros: () => readCpuMicros(at),
    onMemoryLimit: (reactor, onHit) =>
      memory === undefined ? () => undefined : watchMemory(memory, reactor, onHit),
  }
}

async function freeze(unified: string, timeoutMs: number): Promise<void> {
  write(unified, 'cgroup.freeze', '1')
  const deadline = performance.now() + timeoutMs
  while (!/^frozen 1$/m.test(readFileSync(join(unified, 'cgroup.events'), 'utf8'))) {
    if (performance.now() > deadline) {
      throw new SekishoError('TIMEOUT', `${basename(unified)} does not freeze`, {
        hint: 'kill the session',
      })
    }
    await pauseMs(2)
  }
}

/** Dead processes that nobody has waited for are not counted; children's children are. */
function isPopulated(unified: string): boolean {
  const events = join(unified, 'cgroup.events')
  return existsSync(events) && !/^populated 0$/m.test(readFileSync(events, 'utf8'))
}

function placeOf({ controllers }: Places, name: Controller, session: string): Place | undefined {
  const place = controllers[name]
  return place && { version: place.version, directory: join(place.root, session) }
}

function rootsOf({ unified, controllers }: Places): string[] {
  const roots = CONTROLLERS.flatMap((name) => controllers[name]?.root ?? [])
  return [...new Set([...roots, unified])]
}

function write(directory: string, file: string, text: string): void {
  writeFileSync(join(directory, file), text)
}

function readWords(path: string): string[] {
  return readFileSync(path, 'utf8')
    .split(/\s+/)
    .filter((word) => word !== '')
}

function unsupported(message: string): SekishoError {
  return new SekishoError('HOST_UNSUPPORTED', message, {
    hint: 'boot with cgroup v2, or with the v1 controllers memory, pids and cpu',
  })
}
