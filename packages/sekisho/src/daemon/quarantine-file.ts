import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import * as z from 'zod'
import { parseJson } from '../core/parse-json.ts'
import { SekishoError } from '../core/error.ts'
import { QuarantineEntry } from '../wire/quarantine.ts'
import { isMissing } from './session-record.ts'

const QuarantineFile = z.strictObject({
  version: z.literal(1),
  entries: z.array(QuarantineEntry),
})

/**
 * @returns nothing for a file that is not there: no agent has tried to escape yet
 * @throws SekishoError CONFIG_INVALID for one that cannot be read or is not whole: what is shut
 *   out is then not known, so nothing may start
 */
export function readQuarantineFile(path: string): QuarantineEntry[] {
  try {
    return QuarantineFile.parse(parseJson(readFileSync(path, 'utf8'))).entries
  } catch (cause) {
    if (isMissing(cause)) return []
    throw new SekishoError(
      'CONFIG_INVALID',
      `${path} cannot be read: who is in quarantine is unknown`,
      {
        hint: 'restore the file from a backup; its history is in `sekisho log show`',
        cause,
      },
    )
  }
}

/** Whole or not at all, and durable when it returns. */
export function writeQuarantineFile(path: string, entries: readonly QuarantineEntry[]): void {
  const text = JSON.stringify({ version: 1, entries })
  writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true })
  renameSync(`${path}.new`, path)
  const directory = openSync(dirname(path), 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}
