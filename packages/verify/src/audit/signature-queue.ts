import type { Finding, Findings } from './findings.ts'

/** ECDSA over P-256 with SHA-256; the signature is r‖s. */
export type SignatureTask = {
  /** uncompressed, 65 bytes */
  point: Buffer
  message: Buffer
  signature: Buffer
}

/** Checks signatures, here or in other threads; resolves to one answer for each task. */
export type SignatureChecker = {
  check(tasks: readonly SignatureTask[]): Promise<readonly boolean[]>
}

/** Signatures handed over at once: some 20 ms of work for one thread. */
const BATCH = 512
/** Batches that may be under way: enough for some threads, and bounded. */
const MAX_UNDER_WAY = 8
/** Leaves whose signatures wait; many may have one in common. */
const MAX_ABOUT = 64 * BATCH
/** Bytes of messages that wait for a batch; a leaf may have 64 KiB. */
const MAX_BATCH_BYTES = 8 * 1024 * 1024

/**
 * Signatures that wait to be checked; one that does not fit becomes a finding. What several leaves
 * were signed by together is checked once.
 */
export class SignatureQueue {
  readonly #checker: SignatureChecker
  readonly #findings: Findings
  readonly #underWay = new Set<Promise<void>>()
  #tasks: SignatureTask[] = []
  /** for each task, the findings where it does not fit */
  #about: Finding[][] = []
  /** place of a task by its signature */
  #places = new Map<string, number>()
  #waiting = 0
  #bytes = 0
  #checked = 0

  constructor(checker: SignatureChecker, findings: Findings) {
    this.#checker = checker
    this.#findings = findings
  }

  /** how many were asked for */
  get checked(): number {
    return this.#checked
  }

  /** @param otherwise the finding where it does not fit */
  push(task: SignatureTask, otherwise: Finding): void {
    this.#checked += 1
    this.#waiting += 1
    this.#findingsOf(task).push(otherwise)
    const isMuch = this.#tasks.length >= BATCH || this.#waiting >= MAX_ABOUT
    if (isMuch || this.#bytes >= MAX_BATCH_BYTES) this.#send()
  }

  #findingsOf(task: SignatureTask): Finding[] {
    const name = task.signature.toString('latin1')
    const place = this.#places.get(name)
    const about = place === undefined ? undefined : this.#about[place]
    if (place !== undefined && about !== undefined && isSame(task, this.#tasks[place])) return about
    const made: Finding[] = []
    this.#places.set(name, this.#tasks.length)
    this.#tasks.push(task)
    this.#about.push(made)
    this.#bytes += task.message.length
    return made
  }

  /** Resolves once not too many are under way. @throws what the checker fails with */
  async drain(): Promise<void> {
    while (this.#underWay.size > MAX_UNDER_WAY) await Promise.race(this.#underWay)
  }

  /** Resolves once every signature is checked. @throws what the checker fails with */
  async settle(): Promise<void> {
    this.#send()
    await Promise.all(this.#underWay)
  }

  #send(): void {
    if (this.#tasks.length === 0) return
    const about = this.#about
    const work = this.#run(this.#tasks, about).finally(() => this.#underWay.delete(work))
    // awaited in drain or settle; until then a failure is not loose
    work.catch(() => undefined)
    this.#underWay.add(work)
    this.#tasks = []
    this.#about = []
    this.#places = new Map()
    this.#waiting = 0
    this.#bytes = 0
  }

  async #run(tasks: readonly SignatureTask[], about: readonly Finding[][]): Promise<void> {
    const fits = await this.#checker.check(tasks)
    if (fits.length !== tasks.length) throw new Error('a checker that leaves signatures out')
    for (const [i, findings] of about.entries()) {
      if (fits[i] !== true) for (const finding of findings) this.#findings.add(finding)
    }
  }
}

/** Of one key over one message: the same signature of another text is another question. */
function isSame(task: SignatureTask, other: SignatureTask | undefined): boolean {
  return other?.point.equals(task.point) === true && other.message.equals(task.message)
}
