import * as z from 'zod'
import { Generation } from './decision.ts'
import { Digest } from './sandbox.ts'

/** What came into force, as people are told of it. */
export const GenerationInForce = z.strictObject({
  generation: Generation,
  digest: Digest,
  change: z.enum(['first', 'equal', 'narrower', 'wider', 'not-proven']),
  detail: z.string(),
  /** names of the operators who signed it */
  signers: z.array(z.string()),
  /** streams that it forbids, and that were closed */
  closed: z.int(),
  since: z.iso.datetime({ precision: 3 }),
})
export type GenerationInForce = z.infer<typeof GenerationInForce>

export const PolicyReloaded = GenerationInForce.extend({
  /** false: these files were in force already */
  isNew: z.boolean(),
})
export type PolicyReloaded = z.infer<typeof PolicyReloaded>

export const PolicyStatus = z.strictObject({
  /** null: none yet */
  inForce: GenerationInForce.nullable(),
  /** why the files that lie there are not in force; null where they are */
  refused: z
    .strictObject({
      digest: Digest.nullable(),
      reason: z.string(),
      hint: z.string().nullable(),
    })
    .nullable(),
  /** whose signatures count for the next one; null while no files can be read that would say it */
  operators: z.array(z.string()).nullable(),
  /** the next one is trusted by the signature of one of its own operators */
  isFirst: z.boolean(),
  processes: z.array(z.strictObject({ name: z.string(), policies: z.array(z.string()) })),
  /** differences that were found, oldest first */
  drift: z.array(z.string()),
})
export type PolicyStatus = z.infer<typeof PolicyStatus>
