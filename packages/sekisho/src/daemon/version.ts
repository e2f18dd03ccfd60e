import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { parseJson } from '../core/parse-json.ts'

/** The version of this clone. */
export function platformVersion(code: string): string {
  const text = readFileSync(join(code, 'packages/sekisho/package.json'), 'utf8')
  return z.object({ version: z.string() }).parse(parseJson(text)).version
}
