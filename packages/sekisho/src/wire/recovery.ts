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

/**
 * What was there before an action, kept encrypted by the keyholder. Digests are the keyholder's names
 * for content: keyed, so that erasing the content leaves the log's proofs and tells nobody anything.
 */
export const PreImage = z.strictObject({
  /** of the content; null where there was nothing (404, 410), which a restore puts back by DELETE */
  content: Digest.nullable(),
  bytes: z.int().min(0),
  contentType: z.string().max(256).nullable(),
  /** ETag, by which a restore knows that nobody has changed it since */
  etag: z.string().max(1024).nullable(),
  /** of the request's fields that it was read with, which a restore needs again ({@link KeptFields}) */
  fields: Digest,
  /** of the body that the action sends, as it would be kept; null where it streams or has none */
  sent: Digest.nullable(),
  recovery: Recovery,
})
export type PreImage = z.infer<typeof PreImage>

/** Content of {@link PreImage}'s `fields`. */
export const KeptFields = z.strictObject({
  /** name, value, name, value …, with placeholders where credentials go */
  fields: z.array(z.string().max(65_536)).max(256),
  /** of the session that read: by name of the credential */
  placeholders: z.record(z.string(), z.string()),
})
export type KeptFields = z.infer<typeof KeptFields>
