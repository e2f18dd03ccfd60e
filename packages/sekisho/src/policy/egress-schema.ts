import * as z from 'zod'
import type { EgressProxy, Inspection, PrivateRange } from '../wire/egress.ts'
import { Port } from '../wire/schemas.ts'
import { Treatments } from '../wire/policy.ts'
import { readHost, readHostPattern } from './host-pattern.ts'
import { PackagesFile } from './packages-schema.ts'
import { readPrivateRange } from './private-range.ts'
import { readSize } from './quantity.ts'
import { text } from './text.ts'
import { readTreatment } from './treatment.ts'

/** Of a body, looked at whole before it leaves; held in the gate's memory meanwhile. */
const DEFAULT_MAX_BODY_BYTES = 8 * 1024 * 1024
/** Where it must be given: what is opened has to be explained to whoever reads the file. */
export const Reason = z.string().max(1024).regex(/\S/, 'want a reason')

export const bodySize = text((input) => readSize(input, { min: '1KiB', max: '64MiB' }))

export const TreatmentsFile = Treatments.superRefine((treatments, context) => {
  for (const [key, treatment] of Object.entries(treatments)) {
    const read = readTreatment(key, treatment)
    if ('value' in read) continue
    const params = { hint: read.hint }
    context.addIssue({ code: 'custom', message: read.problem, path: [key], params })
  }
})

export const InspectionFile = z
  .strictObject({ maxBody: bodySize.optional(), treatments: TreatmentsFile.default({}) })
  .transform(
    ({ maxBody, treatments }): Inspection => ({
      maxBodyBytes: maxBody ?? DEFAULT_MAX_BODY_BYTES,
      treatments,
    }),
  )

export const PrivateRangeFile = z
  .strictObject({
    host: text(readHost),
    range: text(readPrivateRange),
    reason: Reason,
  })
  .transform(({ host, range }): PrivateRange => ({ host, range }))

export const EgressProxyFile = z
  .strictObject({
    host: text(readHost),
    port: Port,
    resolve: z.enum(['here', 'proxy']).default('here'),
    except: z.array(text(readHostPattern)).max(256).default([]),
  })
  .transform((proxy): EgressProxy => proxy)

/** Keys of an agent file that say how data leaves, beside its rules. */
export const EgressKeys = {
  inspection: InspectionFile.prefault({}),
  privateRanges: z.array(PrivateRangeFile).max(64).default([]),
  packages: PackagesFile.prefault({}),
  proxy: EgressProxyFile.optional().transform((proxy) => proxy ?? null),
}
