import { logIn } from './log-files.ts'
import { type BrokenLog, type SoundLog, type VerifyOptions, verifyLogOf } from './verify-log.ts'

/**
 * {@link verifyLogOf} over a directory.
 *
 * @param vkey of the log, from somewhere else than the log's own directory
 * @throws TypeError for a malformed vkey; what node:fs throws when the directory cannot be read
 */
export function verifyLog(
  dir: string,
  vkey: string,
  options: VerifyOptions = {},
): Promise<SoundLog | BrokenLog> {
  return verifyLogOf(logIn(dir), vkey, options)
}
