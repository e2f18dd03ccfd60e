import { exporterToSupervisor, supervisorToExporter } from '../wire/exporter.ts'
import { controlToSupervisor, supervisorToControl } from '../wire/control.ts'
import { keyholderToSupervisor, supervisorToKeyholder } from '../wire/keyholder.ts'
import type { Handlers, Peer } from '../wire/peer.ts'
import { supervisorToSolver } from '../wire/solver.ts'
import { supervisorToTranscriptReader } from '../wire/transcript-reader.ts'
import { Child } from './child.ts'
import { KEYHOLDER_HEAP } from './heaps.ts'
import { UIDS } from './identities.ts'
import { EXPORTER_STATE, KEYHOLDER_STATE, LOG_IN_BOX } from './paths.ts'
import type { RootLink } from './root-link.ts'

/** The processes of which there is one, each with no more than it needs. */

type NoCalls = Record<never, never>
export type KeyholderPeer = Peer<typeof supervisorToKeyholder, typeof keyholderToSupervisor>
export type ControlPeer = Peer<typeof supervisorToControl, typeof controlToSupervisor>
export type ExporterPeer = Peer<typeof supervisorToExporter, typeof exporterToSupervisor>

type Hooks<P> = {
  /** wires a fresh process to the others */
  onUp: (peer: P) => Promise<void>
  report: (line: string) => void
}

export function makeKeyholder(
  parts: {
    handlers: Handlers<typeof keyholderToSupervisor>
    root: Pick<RootLink, 'keyholderArguments'>
  },
  hooks: Hooks<KeyholderPeer>,
): Child<typeof supervisorToKeyholder, typeof keyholderToSupervisor> {
  const kind = {
    name: 'keyholder',
    entry: 'keyholder-main.ts',
    uid: UIDS.keyholder,
    permissions: [`--allow-fs-read=${KEYHOLDER_STATE}`, `--allow-fs-write=${KEYHOLDER_STATE}`],
    argv: [KEYHOLDER_STATE, ...parts.root.keyholderArguments],
    heap: KEYHOLDER_HEAP,
    environment: {},
    network: 'none',
    out: supervisorToKeyholder,
    in: keyholderToSupervisor,
    handlers: parts.handlers,
  } as const
  return new Child(kind, hooks)
}

export function makeControl(
  { version, handlers }: { version: string; handlers: Handlers<typeof controlToSupervisor> },
  hooks: Hooks<ControlPeer>,
): Child<typeof supervisorToControl, typeof controlToSupervisor> {
  const kind = {
    name: 'control',
    entry: 'control-main.ts',
    uid: UIDS.control,
    permissions: [],
    argv: [version],
    environment: {},
    network: 'none',
    out: supervisorToControl,
    in: controlToSupervisor,
    handlers,
  } as const
  return new Child(kind, hooks)
}

/**
 * The keyholder's group lets it read the log's files, of which its mount is the read-only view; of
 * the keyholder's other directories none has anything for the group.
 */
export function makeExporter(
  handlers: Handlers<typeof exporterToSupervisor>,
  hooks: Hooks<ExporterPeer>,
): Child<typeof supervisorToExporter, typeof exporterToSupervisor> {
  const kind = {
    name: 'exporter',
    entry: 'exporter-main.ts',
    uid: UIDS.exporter,
    gid: UIDS.keyholder,
    permissions: [
      '--allow-net',
      `--allow-fs-read=${LOG_IN_BOX}`,
      `--allow-fs-read=${EXPORTER_STATE}`,
      `--allow-fs-write=${EXPORTER_STATE}`,
      '--allow-fs-read=/etc/ssl',
      '--allow-fs-read=/usr/share/ca-certificates',
      '--allow-fs-read=/etc/resolv.conf',
      '--allow-fs-read=/etc/hosts',
    ],
    argv: [LOG_IN_BOX, EXPORTER_STATE],
    environment: {},
    isOptional: true,
    network: 'host',
    out: supervisorToExporter,
    in: exporterToSupervisor,
    handlers,
  } as const
  return new Child(kind, hooks)
}

/** z3 is threads: they are all that it may start. */
export function makeSolver(
  report: (line: string) => void,
): Child<typeof supervisorToSolver, NoCalls> {
  const kind = {
    name: 'solver',
    entry: 'solver-main.ts',
    uid: UIDS.solver,
    permissions: ['--allow-worker', '--disable-warning=SecurityWarning'],
    argv: [],
    environment: {},
    network: 'none',
    out: supervisorToSolver,
    in: {},
    handlers: {},
  } as const
  return new Child(kind, { onUp: async () => undefined, report })
}

/**
 * Reads what agents wrote, which is whatever they like: it has code and nothing else, for as long as
 * one session's logs take. The solver's uid is as empty as one of its own would be.
 */
export function makeTranscriptReader(
  report: (line: string) => void,
): Child<typeof supervisorToTranscriptReader, NoCalls> {
  const kind = {
    name: 'transcript-reader',
    entry: 'transcript-reader-main.ts',
    uid: UIDS.solver,
    permissions: [],
    argv: [],
    heap: ['--max-old-space-size=256'],
    environment: {},
    network: 'none',
    out: supervisorToTranscriptReader,
    in: {},
    handlers: {},
  } as const
  return new Child(kind, { onUp: async () => undefined, report })
}
