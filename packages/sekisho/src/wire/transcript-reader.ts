import * as z from 'zod'
import { Digest } from './sandbox.ts'
import { SessionId } from './schemas.ts'

/** Calls of tools of one session that are remembered as released; beyond, nothing is compared. */
export const MAX_RELEASES = 4096
/** Of what nobody released, told by name. */
export const MAX_TOLD = 16

/** A call of a tool that was handed to the client, as the log has it. */
const Release = z.strictObject({
  callId: z.string().max(256).nullable(),
  tool: z.string().max(256),
  digest: Digest,
  deed: Digest,
})

export const Releases = z.strictObject({
  /** false: some are not known, for another keyholder saw them, or there were too many */
  isWhole: z.boolean(),
  releases: z.array(Release).max(MAX_RELEASES),
})
export type Releases = z.infer<typeof Releases>

/** What the keyholder knows of a session that has not ended yet. */
export const sessionReleases = {
  params: z.strictObject({ session: SessionId }),
  result: Releases,
} as const

/**
 * What the process is asked that reads what agents wrote: it has code and nothing else, for whoever
 * writes a transcript writes what he likes.
 */
export const supervisorToTranscriptReader = {
  compare: {
    params: z.strictObject({
      client: z.string().max(64),
      /** base64 */
      content: z.base64(),
      /** base64: what lies beside it where it is a database */
      journal: z.base64().nullable(),
      releases: z.array(Release).max(MAX_RELEASES),
      /** when the session began, Unix ms */
      sinceMs: z.number(),
    }),
    result: z.strictObject({
      /** null for a client that nobody knows */
      compared: z.int().min(0).nullable(),
      unreleased: z.int().min(0),
      /** released, with other arguments */
      changed: z.int().min(0),
      /** its lines, rows and pages that could not be read */
      unread: z.int().min(0),
      /** tools of the first of both, each once */
      tools: z.array(z.string().max(128)).max(MAX_TOLD),
    }),
  },
} as const
