import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import * as z from 'zod'
import { parseJson } from '../core/parse-json.ts'
import { SekishoError } from '../core/error.ts'
import { isMissing } from './session-record.ts'

/**
 * The bundle that was last put in force, kept by the supervisor: what is changed while the platform
 * does not run must be as fit to follow it as what is changed while it does.
 */
const PolicyFile = z.strictObject({
  version: z.literal(1),
  digest: z.string(),
  /** text by path below the bundle's directory */
  files: z.record(z.string(), z.string()),
})
export type ApprovedPolicy = Omit<z.infer<typeof PolicyFile>, 'version'>

/**
 * @returns null for a file that is not there: no bundle was ever in force
 * @throws SekishoError CONFIG_INVALID for one that is not whole: whose signature counts is then
 *   not known, so nothing may come into force
 */
export function readPolicyFile(path: string): ApprovedPolicy | null {
  try {
    const { digest, files } = PolicyFile.parse(parseJson(readFileSync(path, 'utf8')))
    return { digest, files }
  } catch (cause) {
    if (isMissing(cause)) return null
    throw new SekishoError('CONFIG_INVALID', `${path}, the approved policy, cannot be read`, {
      hint: 'restore it from a backup; or remove it, and the bundle’s own operators are trusted once more',
      cause,
    })
  }
}

/** Whole or not at all, and durable when it returns. */
export function writePolicyFile(path: string, { digest, files }: ApprovedPolicy): void {
  const text = JSON.stringify({ version: 1, digest, files })
  writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true })
  renameSync(`${path}.new`, path)
  const directory = openSync(dirname(path), 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}
