import type { SeccompProfile } from './seccomp.ts'

/** The part of the OCI runtime configuration (runtime-spec 1.0) that a session uses. */
export type OciMount = {
  destination: string
  type: string
  source: string
  options: readonly string[]
}

type IdMapping = { containerID: number; hostID: number; size: number }

type Rlimit = { type: string; hard: number; soft: number }

export type OciSpec = {
  ociVersion: '1.0.0'
  process: {
    terminal: boolean
    user: { uid: number; gid: number; umask: number; additionalGids: readonly number[] }
    args: readonly string[]
    env: readonly string[]
    cwd: string
    capabilities: Record<
      'bounding' | 'effective' | 'permitted' | 'inheritable' | 'ambient',
      readonly string[]
    >
    rlimits: readonly Rlimit[]
    noNewPrivileges: true
    oomScoreAdj: number
  }
  root: { path: string; readonly: true }
  hostname: string
  mounts: readonly OciMount[]
  annotations: Readonly<Record<string, string>>
  linux: {
    namespaces: readonly { type: string; path?: string }[]
    uidMappings: readonly IdMapping[]
    gidMappings: readonly IdMapping[]
    maskedPaths: readonly string[]
    readonlyPaths: readonly string[]
    seccomp: SeccompProfile
  }
}
