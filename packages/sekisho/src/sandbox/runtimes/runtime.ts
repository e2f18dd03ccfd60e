import type { Isolation, RuntimeName } from '../../wire/sandbox.ts'
import type { OciSpec } from '../oci-types.ts'

export type RunRequest = {
  /** container id */
  id: string
  /** directory of config.json, which is there already; searchable by the sandbox's ids */
  bundle: string
  /**
   * State directory of the runtime, one per daemon instance; readable by root alone. A runtime that
   * is killed leaves `<root>/<id>` or files in the bundle: both go with the sandbox.
   */
  root: string
  /** written by the runtime once the container exists: empty or absent, no command ever ran */
  pidFile: string
  /** unix socket, listening already, that receives the terminal's master side; for a terminal */
  consoleSocket: string | null
}

export type RuntimeProbeOptions = {
  /** a complete spec, as sessions will have it, of a root file system with a shell */
  spec: OciSpec
  /** private directory for the probe's bundle; must not exist yet, is removed */
  directory: string
  /** the runtime's state directory */
  root: string
  /** put in front of every command; the supervisor, in its own mount namespace, needs none */
  wrap?: readonly string[]
}

export type RuntimeProbe = {
  version: string
  /** the system call filter compiled, base64, where this runtime can take it so */
  seccompProgram: string | null
  /** what a session under this runtime lacks here, one short name each, such as `syscall-record` */
  degraded: readonly string[]
}

/**
 * What turns one OCI bundle into running processes. One file, a row of the contract's suite and
 * one line in `all.ts`.
 *
 * A microVM runs the same bundle (Kata), a Kubernetes Pod is made of the same `SandboxSpec`: both
 * would be a runtime like these, with `takesLateMounts: false` (docs/guides/runtimes.md).
 */
export type Runtime = {
  name: RuntimeName
  isolation: Isolation
  /** whether mounts can be put into a container that stands already, and FIFOs lead into it */
  takesLateMounts: boolean
  /** whether mounts inside the sandbox's /proc are possible, so that decoys can lie there */
  takesMountsInProc: boolean
  /**
   * Who takes a signal for the command: the process of the pid file, or the runtime's own in the
   * foreground, which passes it on into a kernel that the host's cannot signal in.
   */
  takesSignals: 'init' | 'runtime'
  /**
   * The command that runs a bundle in the foreground and ends with the container's exit code, 128
   * and the number for a signal. Whatever it starts stays in the cgroups that it is started in, and
   * dies with it.
   *
   * @throws SekishoError INTERNAL before {@link Runtime.probe}, where that chooses how to run
   */
  command(request: RunRequest): readonly [file: string, ...args: string[]]
  /** the one bundle's config.json, as this runtime wants it */
  adapt(spec: OciSpec): object
  /**
   * Proves that this machine can build a whole sandbox with it.
   *
   * @throws SekishoError DEPENDENCY_MISSING, HOST_UNSUPPORTED with what the runtime said
   */
  probe(options: RuntimeProbeOptions): Promise<RuntimeProbe>
}
