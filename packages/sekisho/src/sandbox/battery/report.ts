import * as z from 'zod'
import { RuntimeName } from '../../wire/sandbox.ts'

export const BatteryOptionsShape = z.strictObject({
  runtime: RuntimeName,
  /** also take the profile apart, one element at a time */
  mutate: z.boolean(),
  /** only mutations whose id has one of these in it; none for all */
  only: z.array(z.string()),
})
export type BatteryOptions = z.infer<typeof BatteryOptionsShape>

const JudgedShape = z.strictObject({
  /** `group.name` */
  id: z.string(),
  /** false: an attempt went through, or went unrecorded; null: it could not be made here */
  held: z.boolean().nullable(),
  detail: z.string(),
})
export type Judged = z.infer<typeof JudgedShape>

/** Lines of the battery's process, in order of their kinds; mutations as they come. */
export const BatteryReportShape = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('whole'),
    probes: z.array(JudgedShape),
    /** names of the system calls that the platform was asked about */
    recorded: z.array(z.string()),
    ms: z.number(),
  }),
  /** masks and read-only paths of which this kernel has none */
  z.strictObject({ kind: z.literal('inert'), paths: z.array(z.string()) }),
  z.strictObject({
    kind: z.literal('mutation'),
    id: z.string(),
    /** the probes that fail when this element is gone; none: it survived */
    seen: z.array(JudgedShape),
    ms: z.number(),
  }),
  z.strictObject({ kind: z.literal('warning'), text: z.string() }),
])
export type BatteryReport = z.infer<typeof BatteryReportShape>
