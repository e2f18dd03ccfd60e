import { type IndexedLeaf, readLeaves } from '@sekisho/verify'
import { SekishoError } from '../core/error.ts'
import { AttemptLedger, type Attempts } from '../policy/propose/attempts.ts'
import type { Ground } from '../policy/propose/candidates.ts'
import { type Patch, writePatch } from '../policy/propose/patch.ts'
import { propose } from '../policy/propose/proposal.ts'
import { describePatch, describeProposal } from '../policy/propose/report.ts'
import { type Phase, SessionId } from '../wire/schemas.ts'
import type { Terminal } from './command.ts'
import { jsonFlag, onePositional } from './flags.ts'
import { logDirectory, unreadable } from './log-place.ts'
import { recordReading } from './log-reading.ts'
import { enterOwnNamespace } from './own-namespace.ts'
import { readBundle } from './policy-bundle.ts'
import { writeOut } from './policy-export.ts'
import { printable, terminal as stderr } from './terminal.ts'

/**
 * What rules a session's denials come to, as a patch that a human reviews. Changes nothing: no
 * bundle is written, and what it prints is read by nobody but the caller.
 */
export async function proposeRules(
  usage: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { values, positionals } = jsonFlag(usage, argv, {
    out: { type: 'string' },
    bundle: { type: 'string' },
  })
  const session = onePositional(usage, positionals)
  enterOwnNamespace(process.env) // the log is not the ordinary user's
  const { agent: name, phase, attempts } = await readAttempts(session)
  const given = typeof values['bundle'] === 'string' ? values['bundle'] : undefined
  const { bundle, files, origins } = await readBundle(given, terminal)
  const agent = bundle.agent(name)
  const ground: Ground = { agent, phase, registries: origins, nowMs: Date.now() }
  const proposal = propose(session, attempts, ground)
  const path = `agents/${name}.yaml`
  const patch =
    proposal.rules.length === 0
      ? null
      : writePatch(proposal, { path, text: files.get(path) ?? '' }, ground)
  if (values['json'] === true) {
    terminal.out(JSON.stringify({ ...proposal, path, patch }))
    return 0
  }
  show([...describeProposal(proposal), ...(patch === null ? [] : describePatch(patch, path))], {
    patch,
    out: typeof values['out'] === 'string' ? values['out'] : undefined,
    terminal,
  })
  return 0
}

function show(
  lines: readonly string[],
  { patch, out, terminal }: { patch: Patch | null; out: string | undefined; terminal: Terminal },
): void {
  for (const line of lines) terminal.out(line)
  if (patch === null) return
  if (out === undefined) terminal.out(patch.text.trimEnd())
  else writeOut(out, [...lines, patch.text].join('\n'))
}

/** Of the session's start. */
type Started = { agent: string; phase: Phase }

/** @throws SekishoError SESSION_UNKNOWN for a session that the log has no start of */
async function readAttempts(session: string): Promise<Started & { attempts: Attempts }> {
  const ledger = new AttemptLedger()
  let started: Started | undefined
  for await (const { leaf } of leavesOf(session)) {
    if (leaf['type'] === 'session.start') {
      const phase = leaf['phase'] === 'setup' ? 'setup' : 'agent'
      started = { agent: String(leaf['agent']), phase }
    }
    ledger.add(leaf)
  }
  if (started !== undefined) return { ...started, attempts: ledger.attempts() }
  throw new SekishoError('SESSION_UNKNOWN', `the log has no session ${printable(session)}`, {
    hint: 'run `sekisho ps --all`, or `sekisho log show`',
  })
}

async function* leavesOf(session: string): AsyncGenerator<IndexedLeaf> {
  if (!SessionId.safeParse(session).success) return
  const directory = logDirectory()
  await recordReading({ what: 'show', query: ['policy propose', session] }, stderr)
  try {
    yield* readLeaves(directory, { session })
  } catch (error) {
    throw unreadable(directory, error)
  }
}
