import { expect, test } from 'vitest'
import { PacketPump } from './packets.ts'

type Denied = { packet: string; repeated: number }

/** A pump whose packets, losses, time and gate are the test's. */
function scene(): {
  pump: PacketPump
  wire: { waiting: Buffer[]; lost: number; nowMs: number; isGateDown: boolean }
  /** what the kernel says when something is there to be read */
  readable: () => Promise<void>
  denied: Denied[]
  warnings: string[]
  /** until what `close` gives is called nothing that the gate is told of is recorded */
  gate: { close: () => () => void }
} {
  const wire = { waiting: new Array<Buffer>(), lost: 0, nowMs: 5000, isGateDown: false }
  const denied: Denied[] = []
  const warnings: string[] = []
  let shut = Promise.resolve()
  const close = (): (() => void) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    shut = promise
    return resolve
  }
  let onReadable: () => void | Promise<void> = () => undefined
  const pump = new PacketPump({
    network: { packetFd: 99 },
    reactor: {
      watch: (fd, listener) => {
        expect(fd).toBe(99)
        onReadable = listener
        return () => {
          onReadable = () => {
            throw new Error('it is not watched any more')
          }
        }
      },
    },
    deny: async (packet, repeated) => {
      await shut
      if (wire.isGateDown) throw new Error('the gate is not running')
      denied.push({ packet, repeated })
    },
    warn: (line) => void warnings.push(line),
    source: {
      read: (max) => wire.waiting.splice(0, max),
      lost: () => {
        const { lost } = wire
        wire.lost = 0
        return lost
      },
    },
    nowMs: () => wire.nowMs,
  })
  return { pump, wire, readable: async () => onReadable(), denied, warnings, gate: { close } }
}

const packets = (count: number): Buffer[] =>
  Array.from({ length: count }, (_, n) => Buffer.from([n]))

test('packets are carried over in their order, as they are', async () => {
  const { wire, readable, denied } = scene()
  wire.waiting = packets(3)
  await readable()
  expect(denied).toEqual([
    { packet: 'AA==', repeated: 0 },
    { packet: 'AQ==', repeated: 0 },
    { packet: 'Ag==', repeated: 0 },
  ])
})

test('above twenty in a second they are counted into the next record', async () => {
  const { wire, readable, denied } = scene()
  wire.waiting = packets(25)
  await readable()
  await readable()
  expect(denied).toHaveLength(20)
  wire.nowMs += 1000
  wire.waiting = packets(2)
  await readable()
  expect(denied.slice(19).map(({ repeated }) => repeated)).toEqual([0, 5, 0])
})

test('what the kernel had no room for is counted too', async () => {
  const { wire, readable, denied } = scene()
  wire.waiting = packets(1)
  wire.lost = 300
  await readable()
  expect(denied).toEqual([{ packet: 'AA==', repeated: 300 }])
})

test('a packet that the gate could not take is counted into the next record', async () => {
  const { wire, readable, denied, warnings } = scene()
  wire.isGateDown = true
  wire.waiting = packets(2)
  wire.lost = 5
  await readable()
  expect(warnings).toHaveLength(2)
  wire.isGateDown = false
  wire.waiting = packets(1)
  await readable()
  expect(denied).toEqual([{ packet: 'AA==', repeated: 7 }])
})

test('its end carries over all that is waiting, and says how much is in no record', async () => {
  const { pump, wire, readable, denied } = scene()
  wire.waiting = packets(50)
  wire.lost = 2
  expect(await pump.stop()).toBe(30)
  expect(denied.map(({ repeated }) => repeated)).toEqual([2, ...Array<number>(19).fill(0)])
  await expect(readable()).rejects.toThrow('not watched')
})

test('what is under way when the pump stops is recorded before it has stopped', async () => {
  const { pump, wire, readable, denied, gate } = scene()
  wire.waiting = packets(2)
  const open = gate.close()
  const reading = readable()
  let hasStopped = false
  const stopped = pump.stop().then((skipped) => {
    hasStopped = true
    return skipped
  })
  await new Promise((resolve) => void setImmediate(resolve))
  expect({ hasStopped, denied }).toEqual({ hasStopped: false, denied: [] })
  open()
  expect(await stopped).toBe(0)
  expect(denied.map(({ packet }) => packet)).toEqual(['AA==', 'AQ=='])
  await reading
})
