import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Operator } from '../../policy/operators.ts'
import type { LeafInput } from '../../wire/leaves.ts'
import { type ReleaseStatement, releaseBytes, type SignedRelease } from '../../wire/quarantine.ts'
import { keyDigest } from '../../policy/signing-key.ts'
import { Quarantine, type Subject } from '../quarantine.ts'

export const digest = (character: string): string => `sha256:${character.repeat(64)}`
export const AGENT: Subject = {
  agent: 'coder',
  configuration: digest('a'),
  rootfs: { kind: 'host' },
}
export const BECAUSE = {
  session: 's-00000000000000000000',
  reason: 'it called mount',
  evidence: 'e-1',
}
/** of the first quarantine of a store */
export const ID = 'q-00000000000000000001'

export type Signer = Operator & { secret: KeyObject }
export function signer(name: string): Signer {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const { x = '' } = publicKey.export({ format: 'jwk' })
  return { name, key: Buffer.from(x, 'base64url'), secret: privateKey }
}
export const AIKO = signer('aiko')
export const BEN = signer('ben')

/** A store in a directory of its own, and what stands around it. */
export class QuarantineBench {
  readonly directory = mkdtempSync(join(tmpdir(), 'sekisho-quarantine-'))
  readonly leaves: LeafInput[] = []
  operators: readonly Operator[] = [AIKO, BEN]
  now = new Date('2026-03-01T12:00:00.000Z')
  isLogUp = true

  get file(): string {
    return join(this.directory, 'store/quarantine.json')
  }

  /** As a platform does that starts. */
  open(): Quarantine {
    mkdirSync(join(this.directory, 'store'), { recursive: true })
    let count = 0
    return new Quarantine({
      file: this.file,
      record: async (leaf) => {
        if (!this.isLogUp) throw new Error('the log is down')
        this.leaves.push(leaf)
      },
      operators: () => this.operators,
      now: () => this.now,
      newId: () => `q-${String((count += 1)).padStart(20, '0')}`,
    })
  }

  close(): void {
    rmSync(this.directory, { recursive: true })
  }
}

export function statement(by: Operator, fields: Partial<ReleaseStatement> = {}): ReleaseStatement {
  const { agent, configuration } = AGENT
  return {
    quarantine: ID,
    agent,
    configuration,
    image: null,
    reason: 'a debugger, looked at',
    key: keyDigest(by.key),
    expiresAt: '2026-03-02T12:00:00.000Z',
    ...fields,
  }
}

export function signed(by: Signer, fields: Partial<ReleaseStatement> = {}): SignedRelease {
  const over = statement(by, fields)
  return {
    statement: over,
    signature: sign(null, releaseBytes(over), by.secret).toString('base64'),
  }
}
