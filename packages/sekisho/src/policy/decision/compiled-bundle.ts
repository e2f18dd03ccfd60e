import type { Constraint } from '../../wire/constraints.ts'
import type { DecisionBundle, HostLabel, Mandate, User } from '../../wire/decision.ts'
import type { LlmSettings } from '../../wire/llm.ts'
import { type CedarEngine, compileCedar } from '../cedar/engine.ts'
import { type CedarEntities, type CedarEntity, entityStore } from '../cedar/entities.ts'
import { INVARIANTS } from '../invariants/compiled.ts'
import { compileOperations, type OperationIndex } from '../operations/operation-index.ts'
import { uidOf } from './cedar-context.ts'
import { HostLabels } from './host-labels.ts'

/** One generation of the bundle as functions: made once, shared by all sessions of a gate. */
export type CompiledBundle = {
  generation: number
  digest: string
  /** the invariants, and after them the bundle's own policies */
  engine: CedarEngine
  /** which actions are kinds of another */
  actions: CedarEntities
  hosts: HostLabels
  operations: OperationIndex
  /** whether it matters who has named a value: some operation has an argument that decides */
  asksForOrigins: boolean
  constraints: readonly Constraint[]
  mandates: readonly Mandate[]
  /** how long an action waits for its answers */
  approvalTimeoutMs: number
  llm: LlmSettings
  /** who a user of this number is now */
  userOf(uid: number): User
  /** what the policy's author says a policy is for, by its id */
  reasonOf(policy: string): string | undefined
}

/** @throws SekishoError CONFIG_INVALID for operations that cannot be compiled */
export function compileBundle(bundle: DecisionBundle): CompiledBundle {
  const users = new Map(bundle.users.map((user) => [user.uid, user]))
  const actions = entityStore(actionEntities(bundle))
  const reasons = new Map(
    bundle.cedar.map(({ id, policy }) => [id, policy.annotations?.['reason']]),
  )
  return {
    generation: bundle.generation,
    digest: bundle.digest,
    engine: compileCedar([...INVARIANTS, ...bundle.cedar], actions),
    actions,
    hosts: new HostLabels(bundle.hosts),
    operations: compileOperations(bundle.operations),
    asksForOrigins: bundle.operations.some(({ critical }) => Object.keys(critical).length > 0),
    constraints: bundle.constraints,
    mandates: bundle.mandates,
    approvalTimeoutMs: bundle.approvals.timeoutMs,
    llm: bundle.llm,
    userOf: (uid) => users.get(uid) ?? { name: `uid-${uid}`, uid, groups: [], enabled: true },
    reasonOf: (policy) => reasons.get(policy),
  }
}

const ADMINISTRATION = ['admin.restore', 'admin.approve', 'admin.policy', 'admin.quarantine']

function actionEntities({ operations }: DecisionBundle): CedarEntity[] {
  const admin = uidOf('Action', 'admin')
  const call = uidOf('Action', 'tool.call')
  return [
    ...ADMINISTRATION.map((id) => ({ uid: uidOf('Action', id), parents: [admin] })),
    ...operations.map(({ id }) => ({ uid: uidOf('Action', `tool.call/${id}`), parents: [call] })),
  ]
}

/** A host as an entity. */
export function hostEntity(
  name: string,
  { integrity, confidentiality, external, groups }: Omit<HostLabel, 'host'>,
): CedarEntity {
  return {
    uid: uidOf('Host', name),
    parents: groups.map((group) => uidOf('HostGroup', group)),
    attrs: new Map<string, string | boolean>([
      ['name', name],
      ['integrity', integrity],
      ['confidentiality', confidentiality],
      ['external', external],
    ]),
  }
}
