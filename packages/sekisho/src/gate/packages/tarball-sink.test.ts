import { expect, test } from 'vitest'
import type { Fields } from '../http-fields.ts'
import type { ReplySink } from '../reply-sink.ts'
import { WithholdingSink } from './tarball-sink.ts'
import { packNpm } from './testing/registry.ts'
import { WithheldBytes } from './withheld-bytes.ts'

/** An agent's side of a reply, which takes everything. */
class FakeSink implements ReplySink {
  status = 0
  body = Buffer.alloc(0)
  isGone = false
  isEnded = false
  readonly #listeners: (() => void)[] = []

  get hasHead(): boolean {
    return this.status !== 0
  }
  get isFinished(): boolean {
    return this.isEnded
  }
  proceed(): void {}
  hint(): void {}
  head(status: number, _message: string, _fields: Fields): void {
    this.status = status
  }
  flush(): void {}
  write(bytes: Buffer): boolean {
    this.body = Buffer.concat([this.body, bytes])
    return true
  }
  trailers(): void {}
  end(bytes?: Buffer | string): void {
    if (bytes !== undefined) this.write(Buffer.from(bytes))
    this.isEnded = true
  }
  destroy(): void {
    this.isGone = true
    this.close()
  }
  onClose(listener: () => void): void {
    this.#listeners.push(listener)
  }
  onDrain(): void {}

  close(): void {
    for (const listener of this.#listeners.splice(0)) listener()
  }
}

const RULES = ['packages.installScripts']
const FILE = packNpm({ name: 'x' }, [{ path: 'package/a.js', content: 'a'.repeat(5000) }])

function make(maxBytes = 1024): { sink: WithholdingSink; agent: FakeSink; room: WithheldBytes } {
  const agent = new FakeSink()
  const room = new WithheldBytes(maxBytes, new WithheldBytes(2 * maxBytes))
  return { sink: new WithholdingSink(agent, room, RULES), agent, room }
}

function send(sink: WithholdingSink, file: Buffer): void {
  sink.head(200, 'OK', [])
  for (let at = 0; at < file.length; at += 50) sink.write(file.subarray(at, at + 50))
}

test('nothing reaches the agent before the end, and then all of it', async () => {
  const { sink, agent, room } = make()
  send(sink, FILE)
  expect([agent.status, agent.body.length, room.held]).toEqual([0, 0, FILE.length])
  sink.end()
  expect(await sink.looked).toEqual({ kind: 'quiet' })
  expect([agent.status, agent.body.equals(FILE), agent.isEnded]).toEqual([200, true, true])
  expect(room.held).toBe(FILE.length) // in the agent's connection still
  agent.close()
  expect(room.held).toBe(0)
})

test('a file for which there is no room does not come through', async () => {
  const { sink, agent, room } = make(FILE.length - 1)
  send(sink, FILE)
  expect(await sink.looked).toMatchObject({ kind: 'unreadable' })
  sink.end()
  expect([agent.status, agent.isEnded, room.held]).toEqual([403, true, 0])
  expect(agent.body.includes(FILE.subarray(0, 50))).toBe(false)
})

test('files of one session take no more than all sessions may', () => {
  const all = new WithheldBytes(10)
  const [one, other] = [new WithheldBytes(8, all), new WithheldBytes(8, all)]
  expect([one.take(9), one.take(8), other.take(3), other.take(2)]).toEqual([
    false,
    true,
    false,
    true,
  ])
  one.give(8)
  expect([other.take(6), one.take(2), all.held]).toEqual([true, true, 10])
})

test.for([
  ['breaks off', (sink: WithholdingSink) => sink.destroy(), 0, true],
  ['turns out to be an error', (sink: WithholdingSink) => sink.head(502, '', []), 502, false],
] as const)('a reply that %s gives its room back', async ([, act, status, isGone]) => {
  const { sink, agent, room } = make()
  send(sink, FILE)
  act(sink)
  expect(await sink.looked).toBeUndefined()
  expect([agent.status, agent.isGone, agent.body.length, room.held]).toEqual([status, isGone, 0, 0])
})

test('an agent that hangs up gives the room back', async () => {
  const { sink, agent, room } = make()
  send(sink, FILE)
  agent.isGone = true
  agent.close()
  expect([await sink.looked, room.held]).toEqual([undefined, 0])
})

test.for([206, 301, 302])('a reply %i is no file that could be looked at', async (status) => {
  const { sink, agent } = make()
  sink.head(status, '', ['location', '/x'])
  sink.write(FILE)
  sink.end()
  expect(await sink.looked).toMatchObject({ kind: 'unreadable' })
  expect([agent.status, agent.body.includes(FILE)]).toEqual([403, false])
})

test('a reply without a file passes', async () => {
  const { sink, agent } = make()
  sink.head(404, 'Not Found', [])
  sink.end(Buffer.from('gone'))
  expect([await sink.looked, agent.status, agent.body.toString()]).toEqual([undefined, 404, 'gone'])
})
