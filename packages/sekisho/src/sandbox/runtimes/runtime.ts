import type { Isolation, RuntimeName } from '../../wire/sandbox.ts'
import type { OciSpec } from '../oci-types.ts'

export type RunRequest = {
  /** container id */
  id: string
  /** directory of config.json */
  bundle: string
  /** state directory of the runtime, one per daemon instance; readable by root alone */
  root: string
  /** written by the runtime once the container exists: without it, no command ever ran */
  pidFile: string
  /** unix socket that receives the terminal's master side; only for `terminal: true` */
  consoleSocket: string | null
}

export type RuntimeProbeOptions = {
  /** a complete spec, as sessions will have it; it is created and never started */
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
 * What turns one OCI bundle into running processes. One file, its test and one line in `all.ts`.
 *
 * A microVM runs the same bundle (Kata), a Kubernetes Pod is made of the same `SandboxSpec`: both
 * would be a runtime like these, with `takesLateMounts: false`.
 */
export type Runtime = {
  name: RuntimeName
  isolation: Isolation
  /** whether mounts can be put into a container that stands already, and FIFOs lead into it */
  takesLateMounts: boolean
  /** the command that runs a bundle in the foreground and ends with the container's exit code */
  command(request: RunRequest): readonly [file: string, ...args: string[]]
  /** the one bundle, as this runtime wants it */
  adapt(spec: OciSpec): OciSpec
  /**
   * Proves that this machine can build a whole sandbox with it.
   *
   * @throws SekishoError DEPENDENCY_MISSING, HOST_UNSUPPORTED with what the runtime said
   */
  probe(options: RuntimeProbeOptions): Promise<RuntimeProbe>
}
