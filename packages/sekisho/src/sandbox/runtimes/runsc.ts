import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { SekishoError } from '../../core/error.ts'
import type { OciSpec } from '../oci-types.ts'
import { probeable, requireProgram, runProbe, withBundle } from './probe-command.ts'
import { enterAsSession, runtimeState } from './runsc-enter.ts'
import { adaptForSentry, readGround, RUNSC_DIRECTORY } from './runsc-spec.ts'
import type { RunRequest, Runtime, RuntimeProbe, RuntimeProbeOptions } from './runtime.ts'

const RUNSC = '/usr/bin/runsc'

/** Best first. `kvm` opens its device as the session's ids do, so its mode must let anybody. */
const PLATFORMS = ['systrap', 'kvm', 'ptrace'] as const
type Platform = (typeof PLATFORMS)[number]

/** What a session depends on; a runsc that lacks one of them is too old. */
const NEEDED_FLAGS = [
  ['network', 'platform', 'ignore-cgroups', 'oci-seccomp', 'overlay2', 'host-uds', 'host-fifo'],
  ['file-access', 'file-access-mounts', 'net-raw'],
].flat()

/**
 * The sentry uses the sockets of the session's own network namespace, which has no uplink; its own
 * network stack would need a process with rights over that namespace. Nothing of the host is opened
 * by name: no sockets, no FIFOs. The workspace is read by others meanwhile: `shared`. The root is
 * written by nobody: `exclusive`, and no overlay that could hide a write.
 */
const SETTINGS = [
  ['--network=host', '--net-raw=false', '--ignore-cgroups', '--oci-seccomp'],
  ['--host-uds=none', '--host-fifo=none', '--overlay2=none'],
  ['--file-access=exclusive', '--file-access-mounts=shared'],
].flat()
/** Newer ones would else let the sentry open the host's files by itself, without the gofer. */
const WHERE_KNOWN = [['directfs', 'false']] as const

/**
 * What holds under crun and runc and is not seen here: calls, execs and opens happen in the
 * sentry, where seccomp notification and fanotify do not look.
 */
const DEGRADED = ['syscall-record', 'exec-monitor', 'tripwires-in-proc'] as const

/**
 * Debian's runsc of 2022 refuses AT_NO_AUTOMOUNT, with which `ls` and `stat` of current coreutils
 * look at every file: they fail there, and nothing else of note does.
 */
const NO_AUTOMOUNT = 'stat-no-automount'

/** Inside: the filter is on, and refuses what it is to refuse. */
const TRIAL = `grep -q '^Seccomp:.2$' /proc/self/status || { echo no filter >&2; exit 1; }
if unshare -U true 2>/dev/null; then echo the filter lets unshare pass >&2; exit 1; fi
ls -d / >/dev/null 2>&1 || echo ${NO_AUTOMOUNT}`

/** gVisor: the agent's system calls end in a kernel of its own, in user space. */
class Runsc implements Runtime {
  readonly name = 'runsc'
  readonly isolation = 'strong'
  readonly takesLateMounts = false
  readonly takesMountsInProc = false
  readonly takesSignals = 'runtime'
  /** what the probe found to work */
  #settings: readonly string[] | undefined

  command(request: RunRequest): readonly [string, ...string[]] {
    if (this.#settings !== undefined) return commandWith(this.#settings, request)
    throw new SekishoError('INTERNAL', 'runsc has not been tried on this machine')
  }

  adapt(spec: OciSpec): object {
    return adaptForSentry(spec)
  }

  async probe(options: RuntimeProbeOptions): Promise<RuntimeProbe> {
    await requireProgram(RUNSC, 'runsc')
    const version = checkVersion(await ask(options, '--version'))
    const known = readFlags(await ask(options, 'flags'))
    const lacking = NEEDED_FLAGS.filter((name) => !known.has(name))
    if (lacking.length > 0) throw tooOld(`runsc ${version} lacks --${lacking.join(', --')}`)
    const extra = WHERE_KNOWN.filter(([name]) => known.has(name))
    const settings = [...SETTINGS, ...extra.map(([name, value]) => `--${name}=${value}`)]
    const platforms = choosePlatforms(known.get('platform') ?? '', isForAnybody('/dev/kvm'))
    const found = await firstThatRuns(
      options,
      platforms.map((platform) => [...settings, `--platform=${platform}`]),
    )
    this.#settings = found.settings
    const degraded = found.lacks === '' ? DEGRADED : [...DEGRADED, found.lacks]
    return { version, seccompProgram: null, degraded }
  }
}

export const runsc: Runtime = new Runsc()

function commandWith(
  settings: readonly string[],
  { id, bundle, pidFile, consoleSocket }: RunRequest,
): readonly [string, ...string[]] {
  const config = join(bundle, 'config.json')
  const directory = join(bundle, RUNSC_DIRECTORY)
  const state = runtimeState(directory)
  const run = ['run', '--bundle', bundle, '--pid-file', pidFile]
  const terminal = consoleSocket === null ? [] : ['--console-socket', consoleSocket]
  return enterAsSession({
    ...readGround(readFileSync(config, 'utf8')),
    directory,
    owned: consoleSocket === null ? [config, pidFile] : [config, pidFile, consoleSocket],
    command: [RUNSC, '--root', state, ...settings, ...run, ...terminal, id],
    signal: [RUNSC, '--root', state, 'kill', id],
  })
}

/** @throws SekishoError HOST_UNSUPPORTED with what the last of them said */
async function firstThatRuns(
  options: RuntimeProbeOptions,
  candidates: readonly (readonly string[])[],
): Promise<{ settings: readonly string[]; lacks: string }> {
  let failure: unknown = tooOld('this runsc knows no platform that can be used here')
  for (const settings of candidates) {
    try {
      return { settings, lacks: (await tryOut(options, settings)).trim() }
    } catch (error) {
      failure = error
    }
  }
  throw failure
}

/** @returns what the trial found lacking, or nothing */
async function tryOut(options: RuntimeProbeOptions, settings: readonly string[]): Promise<string> {
  const { directory } = options
  const spec = probeable(options.spec)
  const trial = { ...spec.process, args: ['/bin/sh', '-c', TRIAL], cwd: '/' }
  const pidFile = join(directory, 'pid')
  const request = { id: 'probe', bundle: directory, root: options.root, pidFile }
  return withBundle(directory, adaptForSentry({ ...spec, process: trial }), () =>
    runProbe({
      wrap: options.wrap ?? [],
      command: commandWith(settings, { ...request, consoleSocket: null }),
      package: 'runsc',
      hint: 'the kernel must allow user namespaces and ptrace',
    }),
  )
}

function ask(options: RuntimeProbeOptions, what: '--version' | 'flags'): Promise<string> {
  return runProbe({
    wrap: options.wrap ?? [],
    // `flags` speaks on standard error
    command: ['/bin/sh', '-c', 'exec "$@" 2>&1', 'sekisho-runsc', RUNSC, what],
    package: 'runsc',
    hint: 'install the Debian package runsc',
  })
}

/**
 * @param flags text of `runsc flags`
 * @returns each flag with its description
 */
export function readFlags(flags: string): Map<string, string> {
  const found = flags.matchAll(/^ {2}--?([\w-]+).*\n((?: {4}.*(?:\n|$))*)/gm)
  return new Map([...found].map(([, name = '', description = '']) => [name, description]))
}

/** @param description what `runsc flags` says of `platform` */
export function choosePlatforms(description: string, isKvmForAnybody: boolean): Platform[] {
  return PLATFORMS.filter(
    (name) => description.includes(name) && (name !== 'kvm' || isKvmForAnybody),
  )
}

function isForAnybody(device: string): boolean {
  const status = statSync(device, { throwIfNoEntry: false })
  return status !== undefined && (status.mode & 0o006) === 0o006
}

/**
 * @returns the version, such as `0.0~20221219.0` or `release-20250101.0`
 * @throws SekishoError DEPENDENCY_MISSING when it is something else
 */
export function checkVersion(output: string): string {
  const version = /^runsc version (\S+)/m.exec(output)?.[1]
  if (version === undefined) throw tooOld('this runsc does not tell its version')
  return version
}

function tooOld(message: string): SekishoError {
  return new SekishoError('DEPENDENCY_MISSING', message, {
    hint: 'install the Debian package runsc, or a newer release of gVisor',
  })
}
