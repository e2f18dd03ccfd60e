import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { SekishoError } from '../../core/error.ts'
import { WitnessStore } from './store.ts'
import { makeWitnessKey, readWitnessKey, type WitnessKey } from './witness-key.ts'

/** Where a witness keeps its key, what it has cosigned, and what it holds against a log. */
export class WitnessDir {
  readonly path: string
  readonly evidence: string
  readonly #keyFile: string

  /** @throws SekishoError USAGE when it cannot be made */
  constructor(path: string) {
    this.path = path
    this.evidence = join(path, 'evidence')
    this.#keyFile = join(path, 'witness.key')
    try {
      mkdirSync(path, { recursive: true, mode: 0o700 })
    } catch (cause) {
      throw new SekishoError('USAGE', `${path} cannot be made`, {
        hint: 'name a directory of yours with --state DIR',
        cause,
      })
    }
  }

  get hasKey(): boolean {
    return existsSync(this.#keyFile)
  }

  /** @throws SekishoError USAGE, PERMISSION_REQUIRED */
  key(): WitnessKey {
    return readWitnessKey(this.#keyFile)
  }

  /** @throws SekishoError USAGE when there is one */
  makeKey(name: string): WitnessKey {
    return makeWitnessKey(this.#keyFile, name)
  }

  /** @throws SekishoError LOG_UNWRITABLE */
  store(): WitnessStore {
    return new WitnessStore(join(this.path, 'witness.db'))
  }
}
