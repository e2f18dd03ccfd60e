import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { seen } from '../../../src/cli/approvals-sign.ts'
import { connect } from '../../../src/cli/client.ts'
import { writeNewKey } from '../../../src/cli/operator-key-file.ts'
import { pathsFrom } from '../../../src/daemon/paths.ts'
import { writeKey } from '../../../src/policy/operators.ts'
import { api } from '../../../src/wire/api.ts'
import type { Peer } from '../../../src/wire/peer.ts'
import type { Platform } from '../platform.ts'

/** How long a person takes, and what he says then. */
export type Human = { afterMs: number; answer: 'approve' | 'deny' }

const LOOK_MS = 250

/** Somebody with a key, who answers what is held. */
export class Operator {
  readonly #keyFile: string
  readonly #publicKey: string

  constructor(directory: string) {
    this.#keyFile = join(directory, 'operator.key')
    this.#publicKey = writeKey(writeNewKey(this.#keyFile).publicKey)
  }

  /** operators.yaml */
  get file(): unknown {
    return { version: 1, operators: [{ name: 'aiko', key: this.#publicKey }] }
  }

  /** Signs the bundle as it lies there, and has it come into force. */
  async putInForce(platform: Platform): Promise<void> {
    const sign = ['policy', 'sign', join(platform.home, 'policy'), '--key', this.#keyFile]
    for (const argv of [sign, ['policy', 'reload']]) await run(platform, argv)
  }

  /**
   * Waits for a call of this agent to be held, lets it wait, and answers it as a person at a
   * terminal would. Resolves to false where `ended` came first.
   */
  async answer(
    platform: Platform,
    { agent, human, ended }: { agent: string; human: Human; ended: AbortSignal },
  ): Promise<boolean> {
    const peer = await connect(pathsFrom({ SEKISHO_HOME: platform.home }).apiSocket, api)
    try {
      const id = await firstHold(peer, agent, ended)
      if (id === undefined) return false
      await pause(human.afterMs)
      const { digest } = seen(await peer.call('approvals.show', { id }))
      const said = ['approvals', human.answer, id, '--digest', digest]
      await run(platform, [...said, '--key', this.#keyFile])
      return true
    } finally {
      peer.close()
    }
  }
}

async function firstHold(
  peer: Peer<typeof api>,
  agent: string,
  ended: AbortSignal,
): Promise<string | undefined> {
  while (!ended.aborted) {
    const { holds } = await peer.call('approvals.list', {})
    const held = holds.find((one) => one.agent === agent)
    if (held !== undefined) return held.id
    await pause(LOOK_MS)
  }
  return undefined
}

async function run(platform: Platform, argv: readonly string[]): Promise<void> {
  const { code, stderr } = await platform.sekisho(...argv)
  if (code !== 0) throw new Error(`sekisho ${argv.join(' ')}: ${stderr}`)
}
