import type { HttpRequestAction, NetConnectAction, ToolCallAction } from '../core/action.ts'
import type { Allow, Hold } from '../core/verdict.ts'

/** An action that leads to one port of one name. */
export type LeavingAction = HttpRequestAction | (NetConnectAction & { host: string; port: number })

/** What is decided with all that is known of it, and may wait for people. */
export type JudgedAction = LeavingAction | ToolCallAction

/** The rules of the agent file that grant it; whose yes it takes beyond them is another matter. */
export function grantsOf(verdict: Allow | Hold): readonly string[] {
  return verdict.kind === 'allow' ? verdict.rules : (verdict.grants ?? [])
}
