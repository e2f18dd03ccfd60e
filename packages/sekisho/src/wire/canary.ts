import * as z from 'zod'
import { SessionId } from './schemas.ts'

/** A file that is planted in a session's home: nothing honest reads it, and nothing carries it away. */
export const CanaryFile = z.strictObject({
  /** relative to the home, without `..` */
  path: z
    .string()
    .max(256)
    .regex(/^(?!\/)(?!.*(?:^|\/)\.\.?(?:\/|$))[\w./-]+$/, 'want a path below the home'),
  content: z.string().min(1).max(4_096),
})
export type CanaryFile = z.infer<typeof CanaryFile>

/** A made-up credential; findings are called `canary.NAME`. */
export const CanaryToken = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]{1,64}$/),
  value: z.string().min(16).max(256),
})
export type CanaryToken = z.infer<typeof CanaryToken>

/** The canaries of one session. */
export const Canary = z.strictObject({
  files: z.array(CanaryFile).min(1).max(16),
  tokens: z.array(CanaryToken).min(1).max(16),
})
export type Canary = z.infer<typeof Canary>

/** For the one who plants the files and the one who looks for the tokens. */
export const SessionCanary = z.strictObject({ session: SessionId, canary: Canary })
export type SessionCanary = z.infer<typeof SessionCanary>
