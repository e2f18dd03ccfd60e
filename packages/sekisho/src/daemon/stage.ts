import type { Rootfs } from '../sandbox/images/open-rootfs.ts'
import type { SessionPlan } from '../wire/control.ts'
import type { Attested } from '../wire/sandbox.ts'
import type { Berth } from './berths.ts'
import type { SandboxKind } from './box.ts'
import { Cell } from './cell.ts'
import { IS_ROOTLESS } from './identities.ts'
import type { Platform } from './platform.ts'
import type { SandboxNeeds, StandingSandbox } from './standing-sandbox.ts'

/** The sandbox of one session, standing, with everything in it that is the session's. */
export type Stage = {
  berth: Berth
  cell: Cell
  sandbox: StandingSandbox
  kind: SandboxKind
  /** what bringing in the workspace could have changed, tried again */
  placed: readonly Attested[]
}

/** What of a stage exists, so that a start that fails half-way can be undone. */
export type Started = { berth?: Berth; cell?: Cell }

/** A stage on the way: its sandbox may stand already. */
export type Reserved = Omit<Stage, 'sandbox' | 'placed'> & { rootfs: Rootfs }

/**
 * Takes a berth, one whose sandbox stands already where that is what this session needs.
 *
 * @param started filled as things come to be
 * @throws SekishoError
 */
export async function reserveStage(
  plan: SessionPlan,
  platform: Platform,
  started: Started,
): Promise<Reserved> {
  const { berths, box, roots } = platform
  const kind = await box.kind(plan.isolation)
  const rootfs = await roots.open(plan.rootfs)
  const writes = writesUsersFiles(plan)
  const isReady = isUsual(plan) && (writes || !IS_ROOTLESS)
  const berth = isReady ? await berths.take() : await berths.takeBare({ writes })
  started.berth = berth
  const cell = new Cell(plan, berth, platform)
  started.cell = cell
  return { berth, cell, kind, rootfs }
}

/** Brings in what is the session's own, and raises the sandbox where none stands yet. */
export async function setStage(
  plan: SessionPlan,
  platform: Platform,
  reserved: Reserved,
): Promise<Stage> {
  const { berth, cell, kind } = reserved
  await cell.prepare()
  const sandbox = berth.sandbox ?? (await platform.berths.raise(berth, needsOf(plan, reserved)))
  const placed = kind.runtime.takesLateMounts ? [sandbox.placeWorkspace(cell.workspace)] : []
  return { berth, cell, sandbox, kind, placed }
}

/** Over the user's own directory; a clone is the session's. */
function writesUsersFiles({ workspace, workspaceOptions }: SessionPlan): boolean {
  return workspace !== null && workspaceOptions.mode === 'overlay'
}

/** What the sandboxes that wait are good for: everything else of a session comes later. */
function isUsual(plan: SessionPlan): boolean {
  return (
    plan.isolation === 'standard' &&
    plan.rootfs.kind === 'host' &&
    plan.terminal === null &&
    plan.mounts.length === 0
  )
}

/** Of the sandboxes that are raised before there is a session. */
export function usualNeeds(berth: Berth, kind: SandboxKind, rootfs: string): SandboxNeeds {
  return {
    runtime: kind.runtime,
    seccompProgram: kind.seccompProgram,
    root: rootfs,
    usr: `${berth.directory}/usr`,
    consoleSocket: null,
    readOnlyMounts: [],
    workspace: null,
  }
}

function needsOf(plan: SessionPlan, parts: Reserved): SandboxNeeds {
  const { berth, cell, kind, rootfs } = parts
  const usual = usualNeeds(berth, kind, cell.mountRoot(rootfs))
  return {
    ...usual,
    usr: rootfs.usr === null ? null : usual.usr,
    consoleSocket: plan.terminal === null ? null : cell.listenForTerminal(),
    readOnlyMounts: cell.extras,
    workspace: kind.runtime.takesLateMounts ? null : cell.workspace,
  }
}
