import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { keyDigest } from '../../../policy/signing-key.ts'
import {
  type ApprovalStatement,
  approvalBytes,
  type SignedApproval,
} from '../../../wire/approval.ts'
import type { Approver } from '../../../wire/decision.ts'
import { intent, SESSION } from '../../testing/leaves.ts'
import type { HeldLeaf, PolicySet } from '../hold.ts'

export const NOW = Date.parse('2026-03-01T12:00:00.000Z')
export const at = (ms: number): string => new Date(NOW + ms).toISOString()
export const digest = (character: string): string => `sha256:${character.repeat(64)}`
export const POLICY = digest('a')

export type Person = { name: string; key: Buffer; secret: KeyObject }

export function person(name: string): Person {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const { x = '' } = publicKey.export({ format: 'jwk' })
  return { name, key: Buffer.from(x, 'base64url'), secret: privateKey }
}

/** Operators; Cleo is a user too, and begins sessions as uid 1002. */
export const AIKO = person('aiko')
export const BEN = person('ben')
export const CLEO = person('cleo')
/** A user, who begins the session of these tests as uid 1000. */
export const UMA = person('uma')
/** Another user, uid 1001. */
export const UDO = person('udo')
export const STRANGER = person('stranger')

export function approver(
  { name, key }: Person,
  as: 'operator' | 'user',
  fields: Partial<Approver> = {},
): Approver {
  return { name, key: key.toString('base64'), as, uid: null, enabled: true, ...fields }
}

export const APPROVERS: readonly Approver[] = [
  approver(AIKO, 'operator'),
  approver(BEN, 'operator'),
  approver(CLEO, 'operator', { uid: 1002 }),
  approver(CLEO, 'user', { uid: 1002 }),
  approver(UMA, 'user', { uid: 1000 }),
  approver(UDO, 'user', { uid: 1001 }),
]

export function policySet(fields: Partial<PolicySet> = {}): PolicySet {
  const users = [
    { name: 'uma', uid: 1000, groups: [], enabled: true },
    { name: 'udo', uid: 1001, groups: [], enabled: true },
    { name: 'cleo', uid: 1002, groups: [], enabled: true },
  ]
  return {
    digest: POLICY,
    generation: 1,
    approvers: [...APPROVERS],
    mandates: [],
    users,
    ...fields,
  }
}

export const HOLD = 'h-00000000000000000000'

export function heldLeaf(fields: Partial<HeldLeaf> = {}): HeldLeaf {
  return {
    type: 'action.held',
    session: SESSION,
    id: HOLD,
    action: intent('a').action,
    digest: digest('d'),
    needs: ['approver'],
    rules: ['default.rule-of-two'],
    reason: 'untrusted, internal and external',
    label: { integrity: 'untrusted', confidentiality: 'internal' },
    sources: [],
    unconfirmed: [],
    generation: 1,
    policy: POLICY,
    expiresAt: at(600_000),
    ...fields,
  }
}

export function statement(by: Person, fields: Partial<ApprovalStatement> = {}): ApprovalStatement {
  return {
    hold: HOLD,
    digest: digest('d'),
    kind: 'approver',
    answer: 'approve',
    session: SESSION,
    policy: POLICY,
    key: keyDigest(by.key),
    signedAt: at(0),
    expiresAt: at(600_000),
    note: '',
    ...fields,
  }
}

export function signed(by: Person, fields: Partial<ApprovalStatement> = {}): SignedApproval {
  const over = statement(by, fields)
  return {
    statement: over,
    signature: sign(null, approvalBytes(over), by.secret).toString('base64'),
  }
}
