import * as z from 'zod'
import { EgressProxy, Inspection, PrivateRange } from '../wire/egress.ts'
import { Port } from '../wire/schemas.ts'
import { Treatments } from '../wire/policy.ts'
import { readHost, readHostPattern } from './host-pattern.ts'
import { readSize } from './quantity.ts'
import { text } from './text.ts'

/** Of a body, looked at whole before it leaves; held in the gate's memory meanwhile. */
const DEFAULT_MAX_BODY_BYTES = 8 * 1024 * 1024
export const bodySize = text((input) => readSize(input, { min: '1KiB', max: '64MiB' }))

const InspectionFile = z
  .strictObject({ maxBody: bodySize.optional(), treatments: Treatments.default({}) })
  .transform(
    ({ maxBody, treatments }): Inspection => ({
      maxBodyBytes: maxBody ?? DEFAULT_MAX_BODY_BYTES,
      treatments,
    }),
  )

const PrivateRangeFile = z
  .strictObject({
    host: text(readHost),
    range: z.union([z.cidrv4(), z.cidrv6()], { error: 'want a range such as 10.1.0.0/16' }),
    reason: z.string().min(1).max(1024),
  })
  .transform(({ host, range }): PrivateRange => ({ host, range }))

const EgressProxyFile = z
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
  proxy: EgressProxyFile.optional().transform((proxy) => proxy ?? null),
}
