import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { UnusableInput } from '../audit/unusable.ts'
import type { BundleReport } from '../bundle/audit-bundle.ts'
import { auditPath, parseWitness } from './audit-path.ts'
import { describeReport, exitCodeOf, flatReport } from './describe-report.ts'

const USAGE = `sekisho-verify --root root.pem [--checkpoint FILE] [--witness OPERATOR=VKEY]… [--json] PATH

PATH is a copy of a log's directory, or a bundle of \`sekisho log export\`.
--root        PEM: the root's certificate or public key, from somewhere else than the log
--key         the log's own key, for logs from before there were identities
--checkpoint  a checkpoint of this log, kept since an earlier time
--witness     a witness's key, and who runs it, once for each; one that has not cosigned is a finding
Exit codes: 0 sound, 1 broken (the first bad index is named) or findings, 2 nothing that can be checked.`

type Output = { out: (line: string) => void; err: (line: string) => void }

/**
 * The program by itself.
 *
 * @param thread the program of a thread that checks signatures
 * @returns the exit code
 */
export async function verifyCommand(
  argv: readonly string[],
  output: Output,
  thread?: URL,
): Promise<number> {
  try {
    const asked = readArguments(argv)
    if (asked === 'help') {
      output.out(USAGE)
      return 0
    }
    const report = await auditPath(asked.path, asked.options, thread)
    say(report, { ...output, isJson: asked.isJson })
    return exitCodeOf(report)
  } catch (thrown) {
    const reason = unusableReason(thrown)
    if (reason === undefined) throw thrown
    output.err(`sekisho-verify: ${reason}`)
    return 2
  }
}

function say(report: BundleReport, { out, err, isJson }: Output & { isJson: boolean }): void {
  if (isJson) return out(JSON.stringify(flatReport(report)))
  for (const line of describeReport(report)) (report.kind === 'sound' ? out : err)(line)
}

function readArguments(
  argv: readonly string[],
): 'help' | { path: string; isJson: boolean; options: Parameters<typeof auditPath>[1] } {
  const { values, positionals } = parseArgs({
    args: [...argv],
    options: {
      root: { type: 'string' },
      key: { type: 'string' },
      checkpoint: { type: 'string' },
      witness: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  })
  if (values.help) return 'help'
  const [path, second] = positionals
  if (path === undefined || second !== undefined) throw new UnusableInput(`usage: ${USAGE}`)
  const { root, checkpoint } = values
  const options = {
    root: root === undefined ? undefined : readFileSync(root, 'utf8'),
    vkey: values.key,
    previousCheckpoint:
      checkpoint === undefined ? undefined : `${readFileSync(checkpoint, 'utf8').trimEnd()}\n`,
    witnesses: values.witness.map(parseWitness),
  }
  return { path, isJson: values.json, options }
}

/** undefined for what is a fault of this program */
function unusableReason(thrown: unknown): string | undefined {
  if (thrown instanceof UnusableInput) return thrown.message
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
  // what a file system says, and what the reader of arguments does
  const isGiven = /^E[A-Z0-9]+$/.test(code) || code.startsWith('ERR_PARSE_ARGS_')
  return thrown instanceof Error && isGiven ? thrown.message : undefined
}
