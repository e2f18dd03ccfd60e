import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type IndexedLeaf, readLeaves, verifyLog } from '@sekisho/verify'
import { readFileSync } from 'node:fs'
import * as z from 'zod'
import { parseJson } from '../core/parse-json.ts'
import { SekishoError } from '../core/error.ts'
import { startDaemon } from '../daemon/own-daemon.ts'
import { pathsFrom } from '../daemon/paths.ts'
import { type Canary, hostAddresses } from './canary.ts'
import { type Attack, CATALOGUE } from './catalogue.ts'
import { type ContainmentResult, judgeContainment, tryContainment } from './containment.ts'
import { isRecorded } from './evidence.ts'
import { AGENT, openWorld, PLACEHOLDER_VARIABLE } from './world.ts'

export type AttackResult = {
  id: string
  group: string
  title: string
  blocked: boolean
  recorded: boolean
  /** no record was to be expected: the platform says in its log that it lacks what would tell */
  excused: boolean
  canaryBytes: number
  detail: string
}

export type DrillResult = {
  runtime: 'crun'
  attacks: AttackResult[]
  /** what becomes of a session that tries to escape, and of its agent */
  containment: ContainmentResult[]
  /** attacks that got through, went unrecorded without excuse, reached the canary or were not tried */
  escaped: number
  log: { kind: 'sound'; size: number } | { kind: 'broken'; reason: string }
}

/** What the hostile script said, with what the canary counted meanwhile. */
type Told = {
  startedAtMs: number
  endedAtMs: number
  succeeded: boolean | undefined
  detail: string
  canaryBytes: number
}

const DRILL_TIMEOUT_MS = 180_000
/**
 * What an attack did is recorded a moment after it gave up, when it did not wait for an answer (a
 * packet). The next one's process takes twice as long to start, so nothing is mixed up.
 */
const AFTERMATH_MS = 10

/** One line of the hostile script. It is our own, but it comes from inside. */
const Said = z.strictObject({
  begin: z.string().optional(),
  done: z.int().optional(),
  id: z.string().optional(),
  succeeded: z.boolean().optional(),
  detail: z.string().optional(),
  untried: z.string().optional(),
})
type Said = z.infer<typeof Said>

/** @throws SekishoError when the drill itself cannot be held */
export async function runDrill(): Promise<DrillResult> {
  const { code } = pathsFrom(process.env)
  const world = await openWorld(code)
  try {
    const daemon = await startDaemon(world.environment)
    let told: Map<string, Told>
    let contained: Awaited<ReturnType<typeof tryContainment>>
    try {
      told = await attack(code, world.environment, world.canary)
      contained = await tryContainment(launcherOf(code), world.environment)
    } finally {
      await daemon.stop()
    }
    return await judge(told, contained, world.environment)
  } finally {
    await world.close()
  }
}

async function attack(
  code: string,
  environment: NodeJS.ProcessEnv,
  canary: Canary,
): Promise<Map<string, Told>> {
  const child = spawn(
    launcherOf(code),
    [
      'run',
      '--agent',
      AGENT,
      '--',
      '/bin/sh',
      '-c',
      `exec /opt/drill/bin/node --no-warnings /opt/drill/inside/main.ts "$1" "$2"`,
      'drill',
      JSON.stringify({ canaryPort: canary.port, hostAddresses: hostAddresses() }),
      PLACEHOLDER_VARIABLE,
    ],
    { env: environment, stdio: ['ignore', 'pipe', 'pipe'], timeout: DRILL_TIMEOUT_MS },
  )
  const errors: string[] = []
  child.stderr.on(
    'data',
    (chunk: Buffer) => void (errors.length < 50 && errors.push(chunk.toString())),
  )
  const told = new Map<string, Told>()
  let current: Told | undefined
  let done = false
  for await (const line of createInterface({ input: child.stdout })) {
    const said = Said.parse(parseJson(line))
    if (said.begin !== undefined) {
      if (current !== undefined) current.endedAtMs = Date.now() + AFTERMATH_MS
      current = begin()
      told.set(said.begin, current)
      canary.takeBytes()
    } else if (said.done !== undefined) done = true
    else if (current !== undefined) finish(current, said, canary)
  }
  if (done) return told
  throw new SekishoError('SANDBOX_FAILED', `the hostile script did not finish: ${errors.join('')}`)
}

function launcherOf(code: string): string {
  return join(code, 'packages/sekisho/bin/sekisho')
}

function begin(): Told {
  const now = Date.now()
  return { startedAtMs: now, endedAtMs: Infinity, succeeded: undefined, detail: '', canaryBytes: 0 }
}

function finish(told: Told, said: Said, canary: Canary): void {
  told.canaryBytes = canary.takeBytes()
  told.succeeded = said.succeeded
  told.detail = said.detail ?? said.untried ?? ''
}

async function judge(
  told: ReadonlyMap<string, Told>,
  tried: Parameters<typeof judgeContainment>[0],
  environment: NodeJS.ProcessEnv,
): Promise<DrillResult> {
  const { keyholderState, logKey, state } = pathsFrom(environment)
  const directory = join(keyholderState, 'log')
  const key = readFileSync(logKey, 'utf8').trim()
  const leaves: IndexedLeaf[] = []
  for await (const leaf of readLeaves(directory)) leaves.push(leaf)
  const excused = isExcused(leaves) ? TRIPWIRED : []
  const attacks = CATALOGUE.map((row) => ({
    ...judgeOne(row, told.get(row.id), leaves),
    excused: excused.includes(row.id),
  }))
  const containment = judgeContainment(tried, leaves, join(state, 'evidence'))
  const verified = await verifyLog(directory, key)
  const log =
    verified.kind === 'sound'
      ? { kind: verified.kind, size: verified.size }
      : { kind: verified.kind, reason: verified.reason }
  const failed = attacks.filter(
    (row) => !row.blocked || !(row.recorded || row.excused) || row.canaryBytes > 0,
  )
  const loose = containment.filter(
    (row) => !excused.includes(row.id) && (!row.ended || !row.evidence || !row.refused),
  )
  const escaped = failed.length + loose.length + (log.kind === 'sound' ? 0 : 1)
  return { runtime: 'crun', attacks, containment, escaped, log }
}

const TRIPWIRED = CATALOGUE.filter(({ evidence }) => evidence.by === 'tripwire').map(({ id }) => id)

/** An ordinary user's platform is not asked before a file is opened, and every start of it says so. */
function isExcused(leaves: readonly IndexedLeaf[]): boolean {
  return leaves.some(({ leaf }) => {
    const degraded = leaf['degraded']
    return (
      leaf['type'] === 'platform.start' &&
      Array.isArray(degraded) &&
      degraded.some((line) => String(line).startsWith('tripwires:'))
    )
  })
}

/** An attack that was not tried counts as not blocked: it proves nothing. */
function judgeOne(
  { id, group, title, evidence }: Attack,
  told: Told | undefined,
  leaves: readonly IndexedLeaf[],
): Omit<AttackResult, 'excused'> {
  if (told === undefined) {
    return {
      id,
      group,
      title,
      blocked: false,
      recorded: false,
      canaryBytes: 0,
      detail: 'not tried',
    }
  }
  const during = leaves.filter(({ leaf }) => {
    const at = Date.parse(String(leaf['at']))
    return at >= told.startedAtMs && at <= told.endedAtMs
  })
  return {
    id,
    group,
    title,
    blocked: told.succeeded === false,
    recorded: isRecorded(evidence, during),
    canaryBytes: told.canaryBytes,
    detail: told.detail,
  }
}
