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
  /** of the request that it was read by, which a restore needs again ({@link KeptRequest}) */
  request: Digest,
  /** of the body that the action sends, as it would be kept; null where it streams or has none */
  sent: Digest.nullable(),
  recovery: Recovery,
})
export type PreImage = z.infer<typeof PreImage>

/** What {@link PreImage}'s `request` names: whole, where the log has a URL without what was found in it. */
export const KeptRequest = z.strictObject({
  path: z.string().max(8192),
  query: z.string().max(8192).nullable(),
  /** name, value, name, value …, with placeholders where credentials go */
  fields: z.array(z.string().max(65_536)).max(256),
  /** of the session that read, by name of the credential */
  placeholders: z.record(z.string(), z.string()),
})
export type KeptRequest = z.infer<typeof KeptRequest>
