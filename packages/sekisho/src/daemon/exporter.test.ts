import { expect, test } from 'vitest'
import { SekishoError } from '../core/error.ts'
import { transportPair } from '../gate/testing/rig.ts'
import { exporterToSupervisor, supervisorToExporter } from '../wire/exporter.ts'
import { Peer } from '../wire/peer.ts'
import type { ExporterPeer } from './child-kinds.ts'
import { ExportSettings } from './export-settings.ts'
import { Exporter, type ExporterChild } from './exporter.ts'
import { WitnessSettings } from './witness-settings.ts'

const SINK = {
  name: 'archive',
  kind: 'jsonl',
  state: 'idle',
  sent: 3,
  refused: 0,
  behind: { leaves: 0, bytes: 0, ageMs: 0 },
  lagging: false,
  failure: null,
} as const

test('an exporter that was configured tells how its sinks are', async () => {
  const { exporter } = rig()
  await exporter.start()
  expect(exporter.degraded).toEqual([])
  expect(exporter.healthy).toEqual([
    expect.stringContaining('exporter   pid 4711'),
    'export     archive (jsonl) idle, nothing behind',
  ])
})

test('one that would not be configured is ended, and degraded however often it is asked', async () => {
  const { exporter, child, warned } = rig({ refusals: 1 })
  await exporter.start()
  await exporter.refresh()
  expect(exporter.healthy).toEqual([])
  expect(exporter.degraded).toEqual([expect.stringContaining('the exporter did not start')])
  expect(warned).toEqual([expect.stringContaining('no room')])
  expect(child.kills).toBe(1)
})

test('one that comes up later is well from then on', async () => {
  const { exporter, child } = rig({ refusals: 1 })
  await exporter.start()
  await child.start()
  await exporter.refresh()
  expect(exporter.degraded).toEqual([])
})

type Rig = { exporter: Exporter; child: FakeChild; warned: string[] }

function rig({ refusals = 0 } = {}): Rig {
  const warned: string[] = []
  const child = new FakeChild(refusals)
  const exporter = new Exporter({
    settings: ExportSettings.parse({}),
    witnesses: WitnessSettings.parse({}),
    alerts: [],
    version: '0',
    keyholder: () => {
      throw new SekishoError('PEER_UNAVAILABLE', 'none here')
    },
    origin: () => 'sekisho/log/0',
    logVkeys: () => [],
    warn: (line) => void warned.push(line),
    make: (_handlers, hooks) => {
      child.onUp = hooks.onUp
      return child
    },
  })
  return { exporter, child, warned }
}

/** A process each time it is started, which at first has no room for its state. */
class FakeChild implements ExporterChild {
  readonly pid = 4711
  onUp: (peer: ExporterPeer) => Promise<void> = async () => undefined
  kills = 0
  #refusals: number
  #peer: ExporterPeer | undefined

  constructor(refusals: number) {
    this.#refusals = refusals
  }

  get peer(): ExporterPeer {
    if (this.#peer === undefined) throw new SekishoError('PEER_UNAVAILABLE', 'not started')
    return this.#peer
  }

  async start(): Promise<void> {
    const [own, other] = transportPair()
    this.#peer = new Peer('exporter', own, {
      out: supervisorToExporter,
      in: exporterToSupervisor,
      handlers: { 'log.size': () => ({ size: 0 }), record: () => ({ index: 0 }) },
    })
    const inside = new Peer('supervisor', other, {
      out: exporterToSupervisor,
      in: supervisorToExporter,
      handlers: {
        configure: () => {
          this.#refusals -= 1
          if (this.#refusals >= 0) throw new SekishoError('LOG_UNWRITABLE', 'no room')
          return {}
        },
        status: () => ({ sinks: this.#refusals >= 0 ? [] : [SINK], witnesses: [] }),
        'witness.ask': () => ({ answers: [] }),
      },
    })
    this.#peer.onClose(() => inside.close())
    await this.onUp(this.#peer)
  }

  kill(): void {
    this.kills += 1
  }

  async stop(): Promise<void> {
    this.#peer?.close()
  }
}
