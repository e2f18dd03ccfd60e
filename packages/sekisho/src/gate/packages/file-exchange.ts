import type { HttpRequestAction, PackageInstallAction } from '../../core/action.ts'
import { toSekishoError } from '../../core/error.ts'
import type { RecordedFinding } from '../../core/finding.ts'
import type { Deny, Hold, Verdict } from '../../core/verdict.ts'
import {
  type InstallVerdict,
  judgeInstall,
  judgeScripts,
  ruleOf,
} from '../../detect/packages/judge-install.ts'
import type { TarballVerdict } from '../../detect/packages/npm-tarball.ts'
import type { PackageFile } from '../../detect/packages/package-request.ts'
import { asDenial } from '../../flow/authorize.ts'
import type {
  Allowed,
  Cut,
  Exchange,
  Failed,
  Inspected,
  Misuse,
  Performed,
  Pinned,
} from '../../flow/ports.ts'
import type { HttpArrival } from '../http-exchange.ts'
import type { ReplySink } from '../reply-sink.ts'
import { WrappedExchange } from '../wrapped-exchange.ts'
import { fileFields } from './package-fields.ts'
import type { FirewallParts } from './package-firewall.ts'
import { WatchingSink, WithholdingSink } from './tarball-sink.ts'

const DID = { record: 'recorded', hold: 'held', deny: 'denied' } as const
const MAX_PLACE = 128
/** in place of a name or version in which a detector has found something */
const HIDDEN = '***'

/** What the package's own request takes once the package may be fetched. */
export type Fetch = (arrival: HttpArrival) => Exchange

/**
 * The request for the file of a package: decided by the package before it is looked at as a
 * request, recorded as an install, and its reply looked into where the plan asks for that.
 */
export class FileExchange extends WrappedExchange {
  readonly #arrival: HttpArrival
  readonly #file: PackageFile
  readonly #parts: FirewallParts
  protected override readonly inner: Exchange
  #install: PackageInstallAction
  readonly #looked: Promise<TarballVerdict | undefined> | undefined

  constructor(
    arrival: HttpArrival,
    { file, parts, fetch }: { file: PackageFile; parts: FirewallParts; fetch: Fetch },
  ) {
    super()
    this.#file = file
    this.#parts = parts
    this.#arrival = arrival
    this.#install = installOf(file, arrival.action, arrival.action)
    const { sink, looked } = this.#lookingSink(arrival.sink)
    this.#looked = looked
    this.inner = fetch({ ...arrival, sink, fields: fileFields(arrival.fields) })
  }

  override async inspect(allowed: Allowed): Promise<Inspected> {
    const popular = await this.#parts.popular(this.#file.ecosystem)
    const inner = await this.inner.inspect(allowed)
    if (inner.kind !== 'clear') return inner
    if (inner.recordAs?.kind === 'http.request') {
      this.#install = installOf(this.#file, this.#arrival.action, inner.recordAs)
    }
    const { plan, exceptions, table } = this.#parts
    const facts = table.find(this.#file.ecosystem, this.#file.name)
    const nowMs = this.#parts.now()
    const judged = judgeInstall(this.#file, { facts, popular, exceptions }, { plan, nowMs })
    const findings = [...(inner.findings ?? []), ...this.#recorded(judged)]
    const recordAs = this.#install
    if (judged.stop === undefined) return { ...inner, recordAs, findings }
    const verdict = this.#shown(judged.stop)
    if (verdict.kind === 'hold') return { ...inner, recordAs, findings, hold: verdict }
    return { kind: 'stopped', verdict, recordAs, findings }
  }

  override async perform(
    pinned: Pinned,
    credentials: ReadonlyMap<string, string>,
  ): Promise<Performed | Failed | Misuse | Cut> {
    const done = await this.inner.perform(pinned, credentials)
    const verdict = await this.#looked
    if (verdict === undefined || verdict.kind === 'quiet') return done
    const { plan, exceptions } = this.#parts
    const nowMs = this.#parts.now()
    const judged = judgeScripts(this.#file, verdict.reason, { plan, nowMs, exceptions })
    const action = this.#install
    if (judged.stop === undefined) {
      if (judged.findings.length > 0) await this.#recordSeen(judged, done)
      return done
    }
    const by = asDenial(this.#shown(judged.stop))
    const outcome: Failed = { kind: 'failed', code: 'PACKAGE_WITHHELD', message: by.reason }
    return { kind: 'cut', action, by, findings: this.#recorded(judged), outcome }
  }

  /**
   * Where install scripts would stop the install, the file is kept back until it has shown that it
   * has none: a registry's metadata need not say the same. Where they are only recorded, it is
   * looked at as it passes, if nothing else has told.
   */
  #lookingSink(inner: ReplySink): {
    sink: ReplySink
    looked: Promise<TarballVerdict | undefined> | undefined
  } {
    const { ecosystem, name, version } = this.#file
    const isBodiless = this.#arrival.action.method === 'HEAD'
    if (ecosystem !== 'npm' || isBodiless) return { sink: inner, looked: undefined }
    const { plan, exceptions, room, table } = this.#parts
    const { findings, stop } = judgeScripts(this.#file, '', {
      plan,
      nowMs: this.#parts.now(),
      exceptions,
    })
    if (stop !== undefined) {
      const sink = new WithholdingSink(inner, room, stop.rules)
      return { sink, looked: sink.looked }
    }
    const isKnown = table.find(ecosystem, name)?.releases.get(version) !== undefined
    if (findings.length === 0 || isKnown) return { sink: inner, looked: undefined }
    const sink = new WatchingSink(inner)
    return { sink, looked: sink.looked }
  }

  /** What only the file has shown, after it has gone to the agent. */
  async #recordSeen(
    judged: InstallVerdict,
    done: Performed | Failed | Misuse | Cut,
  ): Promise<void> {
    const action = this.#install
    const { recorder, newId, outcomeLost } = this.#parts.ports
    const id = newId()
    const verdict: Verdict = {
      kind: 'allow',
      rules: judged.findings.map(({ check }) => ruleOf(check)),
    }
    const findings = this.#recorded(judged)
    try {
      await recorder.intent({ id, action, verdict, credentials: [], repeated: 0, findings })
      if (done.kind === 'performed' || done.kind === 'failed') await recorder.outcome(id, done)
    } catch (thrown) {
      outcomeLost(toSekishoError(thrown))
    }
  }

  /** A verdict as it may stand in the log: without what a detector found in the name. */
  #shown(verdict: Deny | Hold): Deny | Hold {
    const { name, version } = this.#file
    const reason = verdict.reason
      .replaceAll(name, this.#install.name)
      .replaceAll(version, this.#install.version ?? HIDDEN)
    return { ...verdict, reason }
  }

  #recorded({ findings }: InstallVerdict): RecordedFinding[] {
    const { name, version } = this.#install
    const place = `${name} ${version ?? HIDDEN}`.slice(0, MAX_PLACE)
    return findings.map(({ check, action }) => ({
      detector: ruleOf(check),
      place,
      count: 1,
      did: DID[action],
    }))
  }
}

/** @param shown the request as it may stand in the log: with stars over what was found in its URL */
function installOf(
  { ecosystem, name, version }: PackageFile,
  action: HttpRequestAction,
  shown: Pick<HttpRequestAction, 'path' | 'query'>,
): PackageInstallAction {
  const isWhole = shown.path === action.path
  const bare = name.split('/').at(-1) ?? name
  return {
    kind: 'package.install',
    ecosystem,
    name: isWhole || shown.path.includes(bare) ? name : HIDDEN,
    version: isWhole || shown.path.includes(version) ? version : null,
    scheme: action.scheme,
    host: action.host,
    port: action.port,
    file: shown.query === null ? shown.path : `${shown.path}?${shown.query}`,
  }
}
