import type { Rootfs } from '../sandbox/images/open-rootfs.ts'
import type { SessionPlan } from '../wire/control.ts'
import type { Berth } from './berths.ts'
import type { SandboxKind } from './box.ts'
import { Cell } from './cell.ts'
import type { Platform } from './platform.ts'
import type { SandboxNeeds, StandingSandbox } from './standing-sandbox.ts'

/** The sandbox of one session, standing, with everything in it that is the session's. */
export type Stage = { berth: Berth; cell: Cell; sandbox: StandingSandbox; kind: SandboxKind }

/** What of a stage exists, so that a start that fails half-way can be undone. */
export type Started = { berth?: Berth; cell?: Cell }

/**
 * Takes a berth with a sandbox that stands already, or raises one for what this session needs.
 *
 * @param started filled as things come to be
 * @throws SekishoError
 */
export async function makeStage(
  plan: SessionPlan,
  platform: Platform,
  started: Started,
): Promise<Stage> {
  const { berths, box } = platform
  const kind = await box.kind(plan.isolation)
  const rootfs = await platform.roots.open(plan.rootfs)
  const berth = isUsual(plan) ? await berths.take() : await berths.takeBare()
  started.berth = berth
  const cell = new Cell(plan, berth, platform)
  started.cell = cell
  await cell.prepare()
  const { takesLateMounts } = kind.runtime
  const parts = { berth, cell, kind, rootfs }
  const sandbox = berth.sandbox ?? (await berths.raise(berth, needsOf(plan, parts)))
  if (takesLateMounts) sandbox.placeWorkspace(cell.workspace)
  return { berth, cell, sandbox, kind }
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

function needsOf(
  plan: SessionPlan,
  parts: { berth: Berth; cell: Cell; kind: SandboxKind; rootfs: Rootfs },
): SandboxNeeds {
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
