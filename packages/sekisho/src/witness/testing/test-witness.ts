import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseVkey } from '@sekisho/verify'
import { type ListenAt, type Listening, listen } from '../server/listen.ts'
import { WitnessStore } from '../server/store.ts'
import { Witness } from '../server/witness.ts'
import { makeWitnessKey, type WitnessKey } from '../server/witness-key.ts'

export const AT = new Date('2026-01-02T03:04:05.678Z')

/** A witness with a state of its own, in this process. */
export class TestWitness {
  readonly dir: string
  readonly key: WitnessKey
  readonly store: WitnessStore
  readonly witness: Witness
  readonly alarms: string[] = []

  constructor(name = 'witness.example/w1', dir = mkdtempSync(join(tmpdir(), 'sekisho-witness-'))) {
    this.dir = dir
    this.key = makeWitnessKey(join(dir, 'witness.key'), name)
    this.store = new WitnessStore(join(dir, 'witness.db'))
    this.witness = new Witness({
      store: this.store,
      key: this.key,
      evidenceDir: join(dir, 'evidence'),
      now: () => AT,
      alarm: (line) => void this.alarms.push(line),
    })
  }

  get verifiers(): ReturnType<typeof parseVkey>[] {
    return this.key.cosigners.map(({ vkey }) => parseVkey(vkey))
  }

  watch(log: { signer: { name: string; vkey: string } }): this {
    this.store.addLog(log.signer.name, [log.signer.vkey])
    return this
  }

  listen(at: ListenAt = { host: '127.0.0.1', port: 0 }): Promise<Listening> {
    return listen({ at, witness: this.witness, alarm: (line) => void this.alarms.push(line) })
  }

  [Symbol.dispose](): void {
    this.store.close()
    rmSync(this.dir, { recursive: true, force: true })
  }
}
