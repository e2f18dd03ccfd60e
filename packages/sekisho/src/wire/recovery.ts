import * as z from 'zod'
import { Digest } from './sandbox.ts'

/** How what a request changes can be put back. The state before is read by a GET of the same URL. */
export const Recovery = z.strictObject({
  /** how it is put back */
  method: z.enum(['PUT', 'POST', 'PATCH']),
  /** path that it is sent to, in which `{path}` stands for the request's own; null: the same */
  path: z.string().max(1024).nullable(),
})
export type Recovery = z.infer<typeof Recovery>

/** What was there before an action, kept encrypted by the keyholder. */
export const PreImage = z.strictObject({
  /** of the content; null where there was nothing (404, 410), which a restore puts back by DELETE */
  content: Digest.nullable(),
  bytes: z.int().min(0),
  contentType: z.string().max(256).nullable(),
  /** ETag, by which a restore knows that nobody has changed it since */
  etag: z.string().max(1024).nullable(),
  recovery: Recovery,
})
export type PreImage = z.infer<typeof PreImage>
