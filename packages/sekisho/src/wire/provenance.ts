import * as z from 'zod'

const RuleId = z.string().min(1).max(128)

/** Which URLs a session may fetch: such as are known not to carry out what it must keep. */
export const ProvenancePlan = z.strictObject({
  /** allow rules whose requests are looked at */
  rules: z.union([z.literal('all'), z.array(RuleId).max(2000)]),
  /** rules whose replies make the URLs in them known, until private data has come in */
  indexes: z.array(RuleId).max(2000),
  /** rules whose replies are private data */
  private: z.array(RuleId).max(2000),
  /** private data is there from the start: a workspace, a prompt */
  startsPrivate: z.boolean(),
  /** sources, each valid */
  templates: z.array(z.string().max(1024)).max(256),
  /** canonical, from the user's own words */
  taskUrls: z.array(z.string().max(8192)).max(4096),
})
export type ProvenancePlan = z.infer<typeof ProvenancePlan>

/** How much one destination may learn in a session; null is no limit of that kind. */
export const Budget = z.strictObject({
  /** a name, or `*.name`: all names below it together */
  host: z.string().max(255),
  /** heads and bodies, as sent */
  bytesOut: z.int().min(0).nullable(),
  distinctUrls: z.int().min(0).max(16_384).nullable(),
  /** what the choice of URLs can say, by an estimate that is rather too high */
  urlEntropyBits: z.int().min(0).nullable(),
})
export type Budget = z.infer<typeof Budget>
