import { type ChildProcess, fork } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openNoteOf, parseVkey } from '@sekisho/verify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Answer } from '../client/answer.ts'
import { post } from '../client/post.ts'
import { formatRequest } from '../request.ts'
import { TestLog } from '../testing/test-log.ts'
import { WitnessDir } from './state-dir.ts'

/** `.ci/run` has it done hundreds of times: scripts/checks.ts. */
const KILLS = Number(process.env['SEKISHO_WITNESS_KILLS'] ?? 40)
const RIVALS = 4
const CHILD = new URL('../testing/witness-child.ts', import.meta.url)

let home = ''
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'sekisho-kill-'))
})
afterAll(() => rmSync(home, { recursive: true }))

/**
 * Rival histories of one log race for every step. Whatever was answered before a kill must be what
 * the witness stands by after it; one cosignature for each size, and never one below.
 */
test(`killed ${KILLS} times under load, it cosigns one root for a size and never goes back`, async () => {
  const races = ['a', 'b'].map((name) => new Race(join(home, name)))
  await Promise.all(races.map((race) => race.run(KILLS / races.length)))
  for (const race of races) {
    expect(race.contradictions).toEqual([])
    expect(race.cosigned.size).toBeGreaterThan(KILLS / 8)
  }
}, 600_000)

class Race {
  readonly #dir: WitnessDir
  readonly #socket: string
  readonly #verifiers: ReturnType<typeof parseVkey>[]
  #log = TestLog.named('log.example/a').grow('first')
  /** root by size, of every cosignature that anybody got */
  readonly cosigned = new Map<number, string>()
  readonly contradictions: string[] = []
  #largest = 0
  #rivals: readonly TestLog[] = []

  constructor(dir: string) {
    this.#dir = new WitnessDir(dir)
    this.#socket = join(dir, 'socket')
    this.#verifiers = this.#dir.makeKey('w.example/a').cosigners.map(({ vkey }) => parseVkey(vkey))
    const store = this.#dir.store()
    store.addLog(this.#log.signer.name, [this.#log.signer.vkey])
    store.close()
  }

  async run(kills: number): Promise<void> {
    for (let life = 0; life < kills; life += 1) {
      this.#adoptWhatIsKept()
      const child = fork(CHILD, [this.#dir.path, this.#socket], {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        // most of a start is reading TypeScript; a hundred of them need it read once
        env: { ...process.env, NODE_COMPILE_CACHE: join(home, 'cache') },
      })
      await once(child, 'message')
      await this.#loadUntilKilled(child)
    }
    this.#adoptWhatIsKept()
  }

  async #loadUntilKilled(child: ChildProcess): Promise<void> {
    const exited = once(child, 'exit')
    let stepMs = 10
    for (let left = randomInt(0, 8); left > 0; left--) {
      const startedMs = performance.now()
      if (!(await this.#step())) break
      stepMs = performance.now() - startedMs
    }
    // in the middle of the next step, however long one takes here
    setTimeout(() => child.kill('SIGKILL'), randomInt(1, Math.ceil(stepMs) + 2))
    while (await this.#step());
    expect(await exited).toEqual([null, 'SIGKILL'])
  }

  /** Rivals that part at the tree that was cosigned last, for the same size and for larger ones. */
  async #step(): Promise<boolean> {
    const old = this.#log.size
    const isFirst = this.cosigned.size === 0
    const rivals = Array.from({ length: RIVALS }, (_, n) => {
      const texts = Array.from({ length: randomInt(1, 3) }, () => `${n} ${randomInt(2 ** 40)}`)
      return this.#log.fork().grow(...texts)
    })
    this.#rivals = rivals
    const largest = this.#largest
    const answers = await Promise.all(
      rivals.map((rival) => post(`unix:${this.#socket}`, bodyOf(rival, isFirst ? 0 : old))),
    )
    answers.forEach((answer, n) => {
      const rival = rivals[n]
      if (answer.kind === 'lines' && rival !== undefined) this.#accept(rival, answer, largest)
    })
    if (answers.some(({ kind }) => kind === 'unreachable')) return false
    if (answers.some(({ kind }) => kind === 'refused')) this.#allowAgain()
    return true
  }

  #accept(rival: TestLog, { lines }: Extract<Answer, { kind: 'lines' }>, largest: number): void {
    if (openNoteOf(rival.note() + lines, this.#verifiers).kind !== 'opened') {
      this.contradictions.push(`a cosignature that is none at ${rival.size}`)
    }
    const root = rival.root().toString('hex')
    const before = this.cosigned.get(rival.size)
    if (before !== undefined && before !== root)
      this.contradictions.push(`two roots at ${rival.size}`)
    if (rival.size < largest) this.contradictions.push(`${rival.size} after ${largest}`)
    this.cosigned.set(rival.size, root)
    this.#largest = Math.max(this.#largest, rival.size)
    this.#log = rival
  }

  /** The winner of a step that was killed may have been kept and not answered: it goes on. */
  #adoptWhatIsKept(): void {
    this.#allowAgain()
    const store = this.#dir.store()
    const kept = store.newest(this.#log.signer.name)
    store.close()
    const size = kept?.size ?? 0
    const root = kept?.root.toString('hex')
    if (size < this.#largest) this.contradictions.push(`kept ${size}, answered ${this.#largest}`)
    if (kept === null) return
    const answered = this.cosigned.get(size) ?? root
    if (answered !== root)
      this.contradictions.push(`kept another root at ${size} than was answered`)
    const winner = [this.#log, ...this.#rivals].find(
      (log) => log.size === size && log.root().toString('hex') === root,
    )
    if (winner === undefined) throw new Error(`nobody submitted what is kept at ${size}`)
    this.#log = winner
    this.cosigned.set(size, answered ?? '')
    this.#largest = size
  }

  #allowAgain(): void {
    const store = this.#dir.store()
    store.resume(this.#log.signer.name)
    store.close()
  }
}

function bodyOf(rival: TestLog, oldSize: number): string {
  return formatRequest(rival.request(oldSize))
}
