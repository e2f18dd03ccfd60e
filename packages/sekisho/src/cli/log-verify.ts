import { existsSync } from 'node:fs'
import {
  type AuditOptions,
  auditPath,
  type BundleReport,
  describeReport,
  exitCodeOf,
  flatReport,
  parseNote,
  parseVkey,
  parseWitness,
  UnusableInput,
} from '@sekisho/verify'
import { SekishoError } from '../core/error.ts'
import { pathsFrom } from '../daemon/paths.ts'
import type { Terminal } from './command.ts'
import { jsonFlag, maybePositional } from './flags.ts'
import { logDirectory, logKeyPath, readText, unreadable } from './log-place.ts'

/** 0 sound, 1 broken with the first bad index, or findings; 2 nothing that can be checked. */
export async function verify(
  usage: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { values, positionals } = jsonFlag(usage, argv, {
    root: { type: 'string' },
    key: { type: 'string' },
    checkpoint: { type: 'string' },
    witness: { type: 'string', multiple: true },
  })
  const path = maybePositional(usage, positionals) ?? logDirectory()
  const { checkpoint: file } = values
  const report = await auditOf(path, {
    ...trustedBy(values),
    previousCheckpoint: typeof file === 'string' ? readCheckpoint(file) : undefined,
    witnesses: witnessesOf(values['witness']),
  })
  refuseDowngrade(report, values)
  if (values['json'] === true) terminal.out(JSON.stringify(flatReport(report)))
  else {
    for (const line of describeReport(report)) {
      if (report.kind === 'sound') terminal.out(line)
      else terminal.err(line)
    }
  }
  return exitCodeOf(report)
}

async function auditOf(path: string, options: AuditOptions): Promise<BundleReport> {
  try {
    return await auditPath(path, options)
  } catch (error) {
    if (error instanceof UnusableInput) throw unusable(error, hintFor(error))
    throw unreadable(path, error)
  }
}

/**
 * What is given, or what the supervisor wrote down of the root; for an instance from before there
 * were identities, of the log's own key.
 */
function trustedBy(values: Readonly<Record<string, unknown>>): Pick<AuditOptions, 'root' | 'vkey'> {
  const { root: rootFile, key } = values
  const root = typeof rootFile === 'string' ? readText(rootFile, ROOT_HINT) : undefined
  if (typeof key === 'string') return { root, vkey: parseKey(key, '--key') }
  if (root !== undefined) return { root }
  const own = pathsFrom(process.env).rootKey
  if (existsSync(own)) return { root: readText(own, ROOT_HINT) }
  return { vkey: parseKey(readText(logKeyPath(), KEY_HINT), logKeyPath()) }
}

/**
 * Where root.pem is gone, the log's own key is what is left to trust: enough for a log from before
 * there were identities. For any other it would be a way to have nothing looked at but the tree.
 */
function refuseDowngrade(report: BundleReport, values: Readonly<Record<string, unknown>>): void {
  if (report.kind === 'broken' || report.depth === 'all' || values['key'] !== undefined) return
  if (report.log.types['identity.authority'] === undefined) return
  const { rootKey } = pathsFrom(process.env)
  throw new SekishoError('CONFIG_INVALID', `${rootKey} is missing, and this log has identities`, {
    hint: ROOT_HINT,
  })
}

const ROOT_HINT =
  'give the root’s certificate or public key in PEM, from somewhere else than the log'
const INPUT_HINT =
  'give a copy of a log’s directory, or a whole bundle as `sekisho log export` has written it'
const WITNESS_HINT = 'give who runs the witness, and its verifier key: OPERATOR=VKEY'
const KEY_HINT = 'start the platform once, or name the root with --root, or the key with --key'

function parseKey(text: string, source: string): string {
  const key = text.trim()
  try {
    parseVkey(key)
    return key
  } catch (cause) {
    throw new SekishoError('CONFIG_INVALID', `${source} is no verification key`, {
      hint: 'give the line of log.vkey, in quotes: sekisho/log/…+…+…',
      cause,
    })
  }
}

function witnessesOf(given: unknown): AuditOptions['witnesses'] {
  const texts: unknown[] = Array.isArray(given) ? given : []
  try {
    return texts.map((text) => parseWitness(String(text)))
  } catch (error) {
    throw unusable(error, WITNESS_HINT)
  }
}

/** However an editor or a shell has ended its last line. Whose it is, the audit says. */
function readCheckpoint(path: string): string {
  const hint = 'give a checkpoint of this log as `sekisho log verify --json` prints it'
  const note = `${readText(path, hint).trimEnd()}\n`
  const parsed = parseNote(note)
  if (typeof parsed !== 'string') return note
  throw new SekishoError('CONFIG_INVALID', `${path} is no checkpoint of this log: ${parsed}`, {
    hint,
  })
}

/** What is unusable is what is trusted, or what is to be verified. */
function hintFor({ message }: UnusableInput): string {
  if (message.startsWith('a witness’s key')) return WITNESS_HINT
  return /^(the root|nothing is trusted)/.test(message) ? ROOT_HINT : INPUT_HINT
}

function unusable(cause: unknown, hint: string): SekishoError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new SekishoError('CONFIG_INVALID', reason, { hint, cause })
}
