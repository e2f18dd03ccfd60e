import { lstatSync } from 'node:fs'
import { basename } from 'node:path'
import { SekishoError } from '../../core/error.ts'
import { type Allow, type Deny, deny } from '../../core/verdict.ts'
import { isLoader } from '../../detect/exec-rules/all.ts'
import type { ExecAttempt, ExecDecision } from '../../kernel/fanotify-exec.ts'
import { type Clock, SYSTEM_CLOCK } from '../clock.ts'
import { ExecAlerts } from '../exec-alerts.ts'
import {
  type AttemptedFile,
  hasStacks,
  isLoading,
  readAttemptedFile,
  readCaller,
} from '../exec-attempt.ts'
import { readExecCall } from '../exec-call.ts'
import { ExecDigests, HashBudget, type HashedFile } from '../exec-digests.ts'
import { type Found, floodOf, type Judged, judge, type Seen } from '../exec-judge.ts'
import { ExecLineage } from '../exec-lineage.ts'
import { type Exec, ExecRecords } from '../exec-records.ts'
import { ExecTurns } from '../exec-turns.ts'
import { joinExecWatch } from '../exec-watch.ts'
import { IS_ROOTLESS } from '../identities.ts'
import { type ExecGround, isUntouched, type Origin, originOf } from '../exec-written.ts'
import { cloneOf } from '../session-record.ts'
import type { Attend, Attendant, LiveSession } from './attendant.ts'

/** The part of {@link LiveSession} that execs are about. */
export type Monitored = Pick<LiveSession, 'berth' | 'places' | 'record'> & {
  plan: Pick<LiveSession['plan'], 'session' | 'exec' | 'workspace' | 'isolation'>
  platform: Pick<LiveSession['platform'], 'reactor' | 'warn'> & {
    paths: Pick<LiveSession['platform']['paths'], 'sessions'>
  }
}

type With = { clock: Clock; digests: ExecDigests }

type Attempted = { file: AttemptedFile; origin: Origin; isInterpreter: boolean }

/**
 * Decides and records every exec of one session, before the program's first instruction. The record
 * is durable when the kernel goes on; a record that fails is an exec that fails.
 */
export class ExecMonitor implements Attendant {
  readonly #live: Monitored
  readonly #digests: ExecDigests
  readonly #budget: HashBudget
  readonly #records: ExecRecords
  readonly #alerts: ExecAlerts
  readonly #ground: ExecGround
  readonly #turns = new ExecTurns()
  readonly #lineage = new ExecLineage()
  readonly #leave: () => void
  readonly #counts = { total: 0, denied: 0, written: 0, unhashed: 0 }

  /** @throws as {@link joinExecWatch} */
  constructor(live: Monitored, { clock, digests }: With) {
    const { plan, platform, places } = live
    const onError = (error: unknown): void => platform.warn(`${plan.session}: ${String(error)}`)
    const into = { session: plan.session, record: live.record.bind(live), onError }
    this.#live = live
    this.#digests = digests
    this.#budget = new HashBudget(clock)
    this.#records = new ExecRecords({ ...into, clock })
    this.#alerts = new ExecAlerts(into)
    this.#ground = groundOf(live)
    this.#leave = joinExecWatch(platform.reactor, {
      berth: live.berth,
      fileSystems: places.execRoots.map(({ path }) => path),
      decide: (attempt) => this.#decide(attempt),
    })
  }

  /** Every exec is one of `total`: as a leaf of its own, or in the `repeated` of one. */
  async end(): Promise<Record<string, number>> {
    this.#leave()
    const unrecorded = await this.#records.close()
    const alerts = await this.#alerts.settled()
    const figures = { ...this.#counts, ...alerts, ...(unrecorded > 0 ? { unrecorded } : {}) }
    return Object.fromEntries(
      Object.entries(figures).map(([name, value]) => [`exec.${name}`, value]),
    )
  }

  async #decide(attempt: ExecAttempt): Promise<ExecDecision> {
    if (!(await this.#turns.take())) return this.#refuseUnseen(attempt)
    try {
      const file = readAttemptedFile(attempt.fd)
      const origin = originOf(file, this.#ground)
      const isInterpreter = await this.#isInterpreter(attempt.tid, file)
      if (isInterpreter && origin !== 'written') return await this.#decideInterpreter(attempt, file)
      return await this.#decideProgram(attempt, { file, origin, isInterpreter })
    } finally {
      this.#turns.release()
    }
  }

  /** The kernel asks for a program before it asks for the program's interpreter. */
  async #isInterpreter(tid: number, { path }: AttemptedFile): Promise<boolean> {
    const wasAskedBefore = this.#lineage.has(tid)
    return (wasAskedBefore || isLoader(basename(path))) && (await isLoading(tid))
  }

  async #decideProgram(attempt: ExecAttempt, attempted: Attempted): Promise<ExecDecision> {
    const { file, origin, isInterpreter } = attempted
    const seen = this.#look(attempt.tid)
    const digest = await this.#digest(attempt.fd, file, origin)
    const written = origin === 'written'
    const verdict = this.#verdict(attempted)
    const judged = this.#judge(seen, { ...file, isInterpreter, written, digest, verdict })
    const decision = await this.#settle(attempt, judged)
    if (decision === 'allow') {
      const isToStay = origin === 'untouched' && this.#live.plan.exec.written === 'deny'
      this.#lineage.allowed(attempt.tid, judged.exec, isToStay ? file : undefined)
    }
    return decision
  }

  /** The interpreter of a program that was let through, when that is still what it was. */
  #decideInterpreter(
    attempt: ExecAttempt,
    file: AttemptedFile,
  ): ExecDecision | Promise<ExecDecision> {
    const program = this.#lineage.untouched(attempt.tid)
    const { layers } = this.#ground
    if (program === undefined || layers === null || isUntouched(program, layers)) return 'allow'
    // between our look at the file and the kernel's, the session has put another in its place
    const verdict = deny('exec.changed', `${program.path} was changed while it was being executed`)
    const found = { isInterpreter: false, written: true, digest: null, verdict }
    const judged = this.#judge(this.#look(attempt.tid), { ...file, path: program.path, ...found })
    return this.#settle(attempt, judged)
  }

  #look(tid: number): Seen {
    return { ...readCaller(tid), call: readExecCall(tid) }
  }

  async #digest(fd: number, file: AttemptedFile, origin: Origin): Promise<string | null> {
    const digest = await this.#startDigest({ fd, ...file }, origin)
    if (digest === null) this.#counts.unhashed += 1
    return digest
  }

  #startDigest(file: HashedFile, origin: Origin): string | null | Promise<string | null> {
    if (origin === 'settled') return this.#digests.ofSettled(file)
    return this.#budget.take(Number(file.stats.size)) ? this.#digests.ofChanging(file) : null
  }

  #verdict({ file: { path }, origin, isInterpreter }: Attempted): Allow | Deny {
    if (this.#live.plan.exec.written === 'record') return { kind: 'allow', rules: [] }
    if (origin === 'written') return deny('exec.written', `${path} was written in this session`)
    // without stacks a loader's two uses cannot be told apart, and every program needs it
    if (!isInterpreter && hasStacks() && isLoader(basename(path))) {
      // it maps the file that it is given: no exec of that file would follow to be refused
      return deny('exec.loader', `${path} starts programs unseen`)
    }
    return { kind: 'allow', rules: [] }
  }

  #judge(seen: Seen, found: Found): Judged {
    return judge(seen, found, this.#lineage.callerOf(seen))
  }

  async #settle(attempt: ExecAttempt, judged: Judged): Promise<ExecDecision> {
    const { exec, findings, key } = judged
    const isTelling =
      exec.verdict.kind === 'deny' || findings.some(({ severity }) => severity !== 'low')
    const recorded = await this.#records.write(exec, key, isTelling)
    if (recorded.kind === 'refused') return this.#refuseUnseen(attempt)
    this.#count(exec)
    this.#alerts.raise(findings, recorded.kind === 'recorded' ? recorded.id : null)
    return exec.verdict.kind === 'allow' ? 'allow' : 'deny'
  }

  #count(exec: Exec): void {
    this.#counts.total += 1
    if (exec.written) this.#counts.written += 1
    if (exec.verdict.kind === 'deny') this.#counts.denied += 1
  }

  /** More at once, or more of a new kind, than can be recorded: refused, and counted in the log. */
  #refuseUnseen({ tid }: ExecAttempt): ExecDecision {
    const exec = floodOf(tid)
    this.#count(exec)
    this.#records.count(exec, 'flood')
    return 'deny'
  }
}

function groundOf({ places, plan, platform }: Monitored): ExecGround {
  const { execRoots, scratch, workspace, changes } = places
  const inside = execRoots.find(({ path }) => path === workspace)?.inside
  const lower = cloneOf(platform.paths.sessions, plan.session) ?? plan.workspace
  return {
    roots: execRoots,
    scratch: lstatSync(scratch, { bigint: true }).dev,
    layers: inside === undefined || lower === null ? null : { inside, upper: changes, lower },
  }
}

const WITH: With = { clock: SYSTEM_CLOCK, digests: new ExecDigests(SYSTEM_CLOCK) }

export const monitorExecs: Attend = (live) => monitorOrSaySo(live)

/**
 * Where the kernel, or a kernel of the session's own, keeps execs from us, a session that must not
 * run what it writes does not begin; any other goes on and says so.
 *
 * @throws SekishoError HOST_UNSUPPORTED
 */
export function monitorOrSaySo(live: Monitored): Attendant {
  if (live.plan.isolation === 'strong') return unmonitored(live, 'gVisor executes by itself')
  try {
    return new ExecMonitor(live, WITH)
  } catch (error) {
    return unmonitored(live, error)
  }
}

function unmonitored(live: Monitored, cause: unknown): Attendant {
  const { plan, platform } = live
  if (plan.exec.written === 'deny') {
    throw new SekishoError('HOST_UNSUPPORTED', 'execs cannot be watched for this session', {
      hint: 'allow what the session writes to run (`exec: {written: record}`), or mend the cause',
      cause,
    })
  }
  // an ordinary user's platform lacks it for every session, and has said so
  if (!IS_ROOTLESS) platform.warn(`${plan.session}: execs are not recorded: ${String(cause)}`)
  return { end: () => ({ 'exec.unmonitored': 1 }) }
}
