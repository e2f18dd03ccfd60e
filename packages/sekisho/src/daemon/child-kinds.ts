import { controlToSupervisor, supervisorToControl } from '../wire/control.ts'
import { supervisorToKeyholder } from '../wire/keyholder.ts'
import type { Handlers, Peer } from '../wire/peer.ts'
import { supervisorToSolver } from '../wire/solver.ts'
import { Child } from './child.ts'
import { UIDS } from './identities.ts'
import { KEYHOLDER_STATE } from './paths.ts'

/** The processes of which there is one, each with no more than it needs. */

type NoCalls = Record<never, never>
export type KeyholderPeer = Peer<typeof supervisorToKeyholder, NoCalls>
export type ControlPeer = Peer<typeof supervisorToControl, typeof controlToSupervisor>

type Hooks<P> = {
  /** wires a fresh process to the others */
  onUp: (peer: P) => Promise<void>
  report: (line: string) => void
}

export function makeKeyholder(
  hooks: Hooks<KeyholderPeer>,
): Child<typeof supervisorToKeyholder, NoCalls> {
  const kind = {
    name: 'keyholder',
    entry: 'keyholder-main.ts',
    uid: UIDS.keyholder,
    permissions: [`--allow-fs-read=${KEYHOLDER_STATE}`, `--allow-fs-write=${KEYHOLDER_STATE}`],
    argv: [KEYHOLDER_STATE],
    environment: {},
    network: 'none',
    out: supervisorToKeyholder,
    in: {},
    handlers: {},
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
