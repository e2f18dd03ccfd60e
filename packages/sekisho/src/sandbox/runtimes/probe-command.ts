import { spawn } from 'node:child_process'
import { access, constants, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SekishoError } from '../../core/error.ts'
import type { OciSpec } from '../oci-types.ts'
import type { RuntimeProbeOptions } from './runtime.ts'

/** gVisor with ptrace takes 0.3 s on an idle machine */
const TIMEOUT_MS = 20_000
const MAX_OUTPUT_CHARS = 64 * 1024

export type ProbeCommand = {
  /** in front of everything: see `RuntimeProbeOptions.wrap` */
  wrap: readonly string[]
  command: readonly [file: string, ...args: string[]]
  /** the Debian package that has it */
  package: string
  /** what to change on a host that refuses */
  hint: string
  /** a container that was created holds the pipes open: its end is not waited for */
  leavesContainer?: boolean
}

/**
 * Runs a command of a runtime to its end.
 *
 * @returns what it wrote to standard output, at most 64 Ki characters
 * @throws SekishoError DEPENDENCY_MISSING when it is not there, HOST_UNSUPPORTED when it fails
 */
export function runProbe(probe: ProbeCommand): Promise<string> {
  const [file = '', ...args] = [...probe.wrap, ...probe.command]
  return new Promise((resolve, reject) => {
    // pipes, so that a change of their owner touches nothing
    const child = spawn(file, args, { stdio: 'pipe', timeout: TIMEOUT_MS, killSignal: 'SIGKILL' })
    const said = { out: '', err: '' }
    child.stdin.on('error', () => undefined) // EPIPE of a command that has ended: its code tells
    child.stdin.end()
    child.stdout.on('data', (chunk: Buffer) => (said.out = bounded(said.out, chunk)))
    child.stderr.on('data', (chunk: Buffer) => (said.err = bounded(said.err, chunk)))
    child.on('error', (cause) => reject(notInstalled(probe, cause)))
    child.on('close', (code, signal) => {
      if (code === 0) resolve(said.out)
      else reject(refused(probe, said.err || `it ended with ${signal ?? code}`))
    })
    if (probe.leavesContainer === true) {
      child.on('exit', (code) => code === 0 && resolve(said.out))
    }
  })
}

function bounded(text: string, chunk: Buffer): string {
  return (text + chunk.toString()).slice(0, MAX_OUTPUT_CHARS)
}

function notInstalled(probe: ProbeCommand, cause: Error): SekishoError {
  const name = probe.package
  return new SekishoError('DEPENDENCY_MISSING', `${name} cannot be started: ${cause.message}`, {
    hint: `install the Debian package ${name}`,
    cause,
  })
}

function refused(probe: ProbeCommand, said: string): SekishoError {
  const name = probe.package
  return new SekishoError('HOST_UNSUPPORTED', `${name}: ${said.trim().slice(0, 4096)}`, {
    hint: probe.hint,
  })
}

/** @throws SekishoError DEPENDENCY_MISSING */
export async function requireProgram(path: string, name: string): Promise<void> {
  await access(path, constants.X_OK).catch((cause: unknown) => {
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
    const problem = isMissing ? 'is not there' : 'cannot be executed'
    throw new SekishoError('DEPENDENCY_MISSING', `${path} ${problem}`, {
      hint: `install the Debian package ${name}`,
      cause,
    })
  })
}

/** Writes a bundle for the probe, and removes it whatever comes of it. */
export async function withBundle<T>(
  directory: string,
  config: object,
  use: () => Promise<T>,
): Promise<T> {
  await mkdir(directory, { mode: 0o711 })
  try {
    await writeFile(join(directory, 'config.json'), JSON.stringify(config), { mode: 0o600 })
    return await use()
  } finally {
    await rm(directory, { recursive: true })
  }
}

/**
 * The spec without a terminal, the compiled filter and the listener, which nothing serves yet: the
 * filter's text does not depend on it.
 */
export function probeable(spec: RuntimeProbeOptions['spec']): OciSpec {
  const { listenerPath: _path, listenerMetadata: _metadata, ...seccomp } = spec.linux.seccomp
  const process = { ...spec.process, terminal: false }
  return { ...spec, process, annotations: {}, linux: { ...spec.linux, seccomp } }
}
