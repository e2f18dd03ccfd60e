import * as z from 'zod'
import { PackagePlan } from './packages.ts'
import { Port } from './schemas.ts'
import { Treatments } from './policy.ts'
import { Budget, ProvenancePlan } from './provenance.ts'

/** How one session's outgoing data is looked at. */
export const Inspection = z.strictObject({
  /** of a body before it is decoded; above, it is denied unless its rule allows it uninspected */
  maxBodyBytes: z.int().min(0),
  treatments: Treatments,
})
export type Inspection = z.infer<typeof Inspection>

/** One name of which the addresses may lie in one range that is not public. */
export const PrivateRange = z.strictObject({
  host: z.string().max(253),
  /** CIDR, IPv4 or IPv6 */
  range: z.string().max(64),
})
export type PrivateRange = z.infer<typeof PrivateRange>

/** A forward proxy that all connections to the outside go through. */
export const EgressProxy = z.strictObject({
  host: z.string().max(253),
  port: Port,
  /** `here`: the proxy is told the checked address. `proxy`: it resolves the name, unchecked. */
  resolve: z.enum(['here', 'proxy']),
  /** names that are dialled without it; `*.name` for any below */
  except: z.array(z.string().max(255)).max(256),
})
export type EgressProxy = z.infer<typeof EgressProxy>

/** What the agent file says of how a session's data leaves, beside its rules. */
export const EgressPlan = z.strictObject({
  inspection: Inspection,
  privateRanges: z.array(PrivateRange).max(64),
  /** null: connections go out directly */
  proxy: EgressProxy.nullable(),
  packages: PackagePlan,
  /** null: whatever a rule allows may be fetched */
  provenance: ProvenancePlan.nullable(),
  budgets: z.array(Budget).max(64),
})
export type EgressPlan = z.infer<typeof EgressPlan>

/** What was found in an action's outgoing data: never the data itself. */
export const RecordedFinding = z.strictObject({
  detector: z.string().max(128),
  /** `url`, `header x`, `body`, `body (base64)`, `message` … */
  place: z.string().max(128),
  count: z.int().min(1),
  did: z.enum(['recorded', 'redacted', 'held', 'denied']),
})
export type RecordedFinding = z.infer<typeof RecordedFinding>
