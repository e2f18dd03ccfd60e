import * as z from 'zod'
import { AwsPart } from './aws.ts'
import { DecisionBundle, SessionDecision } from './decision.ts'
import { EgressPlan } from './egress.ts'
import { CredentialBinding } from './keyholder.ts'
import { RestoreItem, RestoreOutcome } from './restore.ts'
import { LimitsShape } from './sandbox.ts'
import { Port, SessionId } from './schemas.ts'
import { SecretPrintSet } from './secret-prints.ts'

export const Upstream = z.strictObject({
  host: z.string(),
  port: Port,
  /** numeric address to dial instead of resolving; may be private: the operator named it */
  address: z.string(),
  dialPort: Port,
  /** PEM trusted for this upstream in place of the system roots; null uses the system's */
  caPem: z.string().nullable(),
})
export type Upstream = z.infer<typeof Upstream>

export const GateCredential = z.strictObject({
  name: z.string(),
  hosts: z.array(z.string()),
  port: Port,
  header: z.string(),
  placeholder: z.string(),
  aws: AwsPart.optional(),
})
export type GateCredential = z.infer<typeof GateCredential>

/** Sent to upstreams by one session: heads and bodies, and requests that were allowed. */
export const EgressUse = z.strictObject({ bytes: z.int().min(0), requests: z.int().min(0) })
export type EgressUse = z.infer<typeof EgressUse>

export const EgressLimits = LimitsShape.pick({ egressBytes: true, egressRequests: true })
export type EgressLimits = z.infer<typeof EgressLimits>

export const GateSession = z.strictObject({
  session: SessionId,
  decision: SessionDecision,
  credentials: z.array(GateCredential),
  /** what the filters of models.yaml know the platform by; the agent has no placeholder of these */
  platformCredentials: z.array(CredentialBinding).max(16),
  upstreams: z.array(Upstream),
  limits: EgressLimits,
  egress: EgressPlan,
  /** of the session's canaries and secrets, which may leave in no spelling */
  prints: SecretPrintSet,
  /** before this gate: a session does not get its limits anew with each gate that dies */
  egressUsed: EgressUse,
  /** a gate before this one had the session: what came into it then is not known any more */
  isResumed: z.boolean(),
})
export type GateSession = z.infer<typeof GateSession>

/** What the supervisor may ask of a gate. A network is one session's pair of namespaces. */
export const supervisorToGate = {
  /** carries the TCP listener that receives every port and address of one network */
  'network.tcp': { params: z.strictObject({ network: z.int() }), result: z.strictObject({}) },
  /** carries the UDP socket bound to the network's resolver address, port 53 */
  'network.dns': { params: z.strictObject({ network: z.int() }), result: z.strictObject({}) },
  /** a generation to decide by; sessions take it with `session.bind` or `session.policy` */
  'policy.install': { params: DecisionBundle, result: z.strictObject({}) },
  /**
   * From its answer on nothing of the session is decided by another generation, and what streams
   * on that this one forbids has been closed.
   */
  'session.policy': {
    params: z.strictObject({ network: z.int(), decision: SessionDecision }),
    result: z.strictObject({ closed: z.int() }),
  },
  /** until this, everything arriving on the network is dropped */
  'session.bind': {
    params: z.strictObject({ network: z.int(), config: GateSession }),
    result: z.strictObject({}),
  },
  /** closes listeners and every connection of the network; the counters go into the end leaf */
  'network.close': {
    params: z.strictObject({ network: z.int() }),
    result: z.strictObject({ counters: z.record(z.string(), z.int()) }),
  },
  /** what has been sent so far; a network without a session has sent nothing */
  'network.egress': { params: z.strictObject({ network: z.int() }), result: EgressUse },
  /** a packet that no listener takes (UDP, ICMP, …): link-layer payload, at most 96 bytes, base64 */
  'packet.denied': {
    params: z.strictObject({ network: z.int(), packet: z.string().max(256), repeated: z.int() }),
    result: z.strictObject({}),
  },
  /** a session without a network: it puts back what `restore.item` names, and does nothing else */
  'restore.open': {
    params: z.strictObject({ config: GateSession, of: SessionId }),
    result: z.strictObject({}),
  },
  'restore.item': {
    params: z.strictObject({
      session: SessionId,
      item: RestoreItem,
      isDryRun: z.boolean(),
      isForced: z.boolean(),
    }),
    result: RestoreOutcome,
  },
  'restore.close': {
    params: z.strictObject({ session: SessionId }),
    result: z.strictObject({ counters: z.record(z.string(), z.int()) }),
  },
  /** carries the gate's end of a socket pair to the keyholder */
  'keyholder.attach': { params: z.strictObject({}), result: z.strictObject({}) },
  /** carries the gate's end of a socket pair to control */
  'control.attach': { params: z.strictObject({}), result: z.strictObject({}) },
  status: {
    params: z.strictObject({}),
    result: z.strictObject({
      /** digest of each generation that some session is decided by, and of the newest */
      policies: z.array(z.string()),
      networks: z.int(),
      connections: z.int(),
      degraded: z.array(z.string()),
    }),
  },
  stop: { params: z.strictObject({}), result: z.strictObject({}) },
} as const
