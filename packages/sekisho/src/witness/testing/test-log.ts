import { generateKeyPairSync } from 'node:crypto'
import {
  consistencyProof,
  formatCheckpoint,
  leafHash,
  type NoteSigner,
  noteSigner,
  parseVkey,
  treeRoot,
} from '@sekisho/verify'
import type { LogView } from '../client/submit.ts'
import { type AddCheckpoint, formatRequest } from '../request.ts'

/** A log in memory whose every leaf a test chooses: histories can part, shrink and be replayed. */
export class TestLog {
  readonly signer: NoteSigner
  readonly leaves: Buffer[]

  constructor(signer: NoteSigner, leaves: readonly Buffer[] = []) {
    this.signer = signer
    this.leaves = [...leaves]
  }

  static named(name: string): TestLog {
    return new TestLog(noteSigner(name, generateKeyPairSync('ed25519').privateKey))
  }

  get size(): number {
    return this.leaves.length
  }

  /** the same history up to now, under the same key: from here on the two may differ */
  fork(): TestLog {
    return new TestLog(this.signer, this.leaves)
  }

  grow(...texts: string[]): this {
    this.leaves.push(...texts.map((text) => leafHash(Buffer.from(text))))
    return this
  }

  root(size: number = this.size): Buffer {
    return treeRoot(this.leaves.slice(0, size))
  }

  note(size: number = this.size): string {
    const checkpoint = { origin: this.signer.name, size, root: this.root(size) }
    return this.signer.sign(formatCheckpoint(checkpoint))
  }

  request(oldSize: number, size: number = this.size): AddCheckpoint {
    const proof = oldSize === 0 ? [] : consistencyProof(this.leaves.slice(0, size), oldSize)
    return { oldSize, proof, note: this.note(size) }
  }

  /** what a client sees of it */
  view(size: number = this.size): LogView {
    return {
      tree: { size, root: this.root(size), note: this.note(size) },
      keys: [parseVkey(this.signer.vkey)],
      prove: async (oldSize) => ({
        oldRoot: this.root(oldSize),
        proof: consistencyProof(this.leaves.slice(0, size), oldSize),
      }),
    }
  }

  body(oldSize: number, size: number = this.size): Buffer {
    return Buffer.from(formatRequest(this.request(oldSize, size)))
  }
}
