import * as z from 'zod'

/** Who cosigns this log: what the exporter is told, and what it says of it. */

/** ours for a witness: it names files */
export const WitnessName = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/, 'want lower-case letters, digits and hyphens')

/**
 * `https:`; `http:` on this machine alone; or `unix:/path`. What a witness says of a size is not
 * signed, so nobody on the way may say it in its place.
 */
export const WitnessUrl = z
  .string()
  .max(512)
  .refine(isWitnessUrl, 'want https://…, http:// of this machine, or unix:/path')

export const WitnessConfig = z.strictObject({
  name: WitnessName,
  url: WitnessUrl,
  /** signed-note verifier keys: Ed25519 (0x04), ML-DSA-44 (0x06), or both */
  vkeys: z.array(z.string().max(4096)).min(1).max(2),
  /** who runs it; `self` counts for nobody */
  operator: z.string().trim().min(1).max(128),
})
export type WitnessConfig = z.infer<typeof WitnessConfig>

export const Witnessing = z.strictObject({
  witnesses: z.array(WitnessConfig).min(1).max(16),
  /** so many distinct operators must have cosigned what is older than `lagMs` */
  quorum: z.int().min(0).max(16),
  /** the log's own keys */
  logVkeys: z.array(z.string().max(4096)).min(1).max(4),
  everyMs: z.int().min(1),
  lagMs: z.int().min(1),
})
export type Witnessing = z.infer<typeof Witnessing>

export const WitnessStatus = z.strictObject({
  name: z.string(),
  operator: z.string(),
  /** leaves that it has cosigned; null: none that we hold a cosignature over */
  cosigned: z.int().min(0).nullable(),
  /** of the cosignature, ISO 8601 */
  at: z.string().nullable(),
  /** whether it has cosigned all that is older than the lag */
  isCurrent: z.boolean(),
  trouble: z
    .strictObject({
      reason: z.enum(['fork', 'rollback', 'bad-proof', 'unreachable', 'refused']),
      detail: z.string().max(512),
    })
    .nullable(),
})
export type WitnessStatus = z.infer<typeof WitnessStatus>

/** What a witness said of the log when the platform started. */
export const WitnessAnswer = z.strictObject({
  name: z.string(),
  operator: z.string(),
  /**
   * `sound`: it has cosigned a part of this log, or nothing. `broken`: more than the log has, or
   * another tree. `unknown`: it did not answer in time, or not to that.
   */
  found: z.enum(['sound', 'broken', 'unknown']),
  detail: z.string().max(512),
  /** the newest note that it has cosigned, as it shows or we hold it */
  note: z.string().max(65_536).nullable(),
})
export type WitnessAnswer = z.infer<typeof WitnessAnswer>

function isWitnessUrl(text: string): boolean {
  if (text.startsWith('unix:')) return /^unix:\/[^\0]{1,107}$/.test(text)
  const url = URL.parse(text)
  if (url === null || url.username !== '' || url.password !== '') return false
  if (url.search !== '' || url.hash !== '') return false
  const isLocal = ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLocal)
}
