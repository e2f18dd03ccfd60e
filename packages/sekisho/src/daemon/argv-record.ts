import { createHash } from 'node:crypto'
import { canonicalJson } from '../core/canonical-json.ts'
import type { LeafInput } from '../wire/leaves.ts'

/** What arguments may take of a leaf of 65,535 bytes, as JSON: escapes can be six times the text. */
export const MAX_ARGV_BYTES = 16 * 1024

type Recorded = Pick<
  Extract<LeafInput, { type: 'session.start' }>,
  'argv' | 'argvOmitted' | 'argvDigest'
>

/**
 * A command as its start leaf holds it. Of a long one the leaf has the first arguments, each of
 * them whole, and a digest over all, so that whoever knows the command can show that it was this.
 *
 * @throws TypeError for a lone surrogate, which has no bytes to sign
 */
export function recordArgv(argv: readonly string[]): Recorded {
  const fitting = countFitting(argv)
  if (fitting === argv.length) return { argv: [...argv], argvOmitted: 0, argvDigest: null }
  const digest = createHash('sha256').update(canonicalJson(argv)).digest('hex')
  return {
    argv: argv.slice(0, fitting),
    argvOmitted: argv.length - fitting,
    argvDigest: `sha256:${digest}`,
  }
}

function countFitting(argv: readonly string[]): number {
  let bytes = '[]'.length
  for (const [index, argument] of argv.entries()) {
    bytes += Buffer.byteLength(JSON.stringify(argument)) + ','.length
    if (bytes > MAX_ARGV_BYTES) return index
  }
  return argv.length
}
