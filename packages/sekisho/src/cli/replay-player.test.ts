import { expect, test } from 'vitest'
import { type Playing, playSession, type ReplayPorts } from './replay-player.ts'

const SESSION = 's-00000000000000000000'
const BEGIN = Date.UTC(2026, 0, 2, 3, 4, 5)
const get = {
  kind: 'http.request',
  method: 'GET',
  scheme: 'https',
  host: 'api.test',
  port: 443,
  path: '/x\u001b[2J',
  query: null,
}
const allow = { kind: 'allow', rules: ['r'] }

type Leaf = Record<string, unknown>
function at(ms: number, leaf: Leaf): Leaf {
  return { at: new Date(BEGIN + ms).toISOString(), session: SESSION, ...leaf }
}

const exec = (pid: number, parent: number, path: string): Leaf => ({
  type: 'process.exec',
  id: `x${pid}`,
  pid,
  parent,
  path,
  argv: [],
  verdict: allow,
})
const hold = 'h-00000000000000000000'
const story = [
  at(0, { type: 'session.start', agent: 'bot', argv: ['make'], argvOmitted: 0 }),
  at(10, exec(9, 1, '/bin/sh')),
  at(20, exec(10, 9, '/bin/ls')),
  at(500, { type: 'action.intent', id: 'a', action: get, verdict: allow, credentials: [] }),
  at(600, {
    type: 'action.held',
    id: hold,
    action: get,
    rules: ['r'],
    needs: ['operator'],
    reason: 'asks',
  }),
  at(60_000, {
    type: 'action.outcome',
    id: 'a',
    outcome: {
      kind: 'performed',
      status: 200,
      bytesOut: 7,
      bytesIn: 8,
      address: null,
      scrubbed: 0,
    },
  }),
  at(60_010, { type: 'approval.ended', hold, why: 'expired', detail: '' }),
  at(60_020, { type: 'session.end', exitCode: 0, reason: 'exit' }),
]

type Played = { frames: string[][]; waits: number[] }

async function play(
  leaves: readonly Leaf[],
  playing: Playing,
  more: Partial<ReplayPorts> = {},
): Promise<Played> {
  const frames: string[][] = []
  const waits: number[] = []
  const ports: ReplayPorts = {
    show: (lines) => void frames.push([...lines]),
    wait: async (ms) => void waits.push(ms),
    next: async () => true,
    size: () => ({ columns: 72, rows: 40 }),
    ...more,
  }
  await playSession(
    leaves.map((leaf, index) => ({ index, leaf })),
    playing,
    ports,
  )
  return { frames, waits }
}

test('one moment is drawn as it was then', async () => {
  const { frames } = await play(story, { kind: 'at', atMs: BEGIN + 5000 })
  expect(frames).toEqual([
    [
      `${SESSION}, agent bot: running; 2026-01-02T03:04:05.600Z, 0.600 s in`
        .slice(0, 71)
        .concat('…'),
      '',
      'PROCESSES (2 programs run)',
      '  9 /bin/sh',
      '    10 /bin/ls',
      'ACTIONS (1 allowed, 0 denied, 1 held)',
      '  ALLOW GET https://api.test/x\\u001b[2J → …',
      'WAITING FOR A YES',
      `  ${hold} GET https://api.test/x\\u001b[2J (operator, 0.000 s)`.slice(0, 71).concat('…'),
      '',
      '5 leaves, 0 bytes out, 0 in, 0 alerts, 0 gaps',
    ],
  ])
})

test('in time, what goes together is one picture, and no silence lasts', async () => {
  const { frames, waits } = await play(story, { kind: 'time', speed: 1 })
  expect(waits).toEqual([500, 100, 2000])
  expect(frames).toHaveLength(4)
  expect(frames.at(-1)?.at(-1)).toBe('8 leaves, 7 bytes out, 8 in, 0 alerts, 0 gaps')
  expect(frames.at(-1)).not.toContain('WAITING FOR A YES')
  expect((await play(story, { kind: 'time', speed: 10 })).waits).toEqual([2000])
})

test('step by step, every leaf has its picture, until no more are wanted', async () => {
  expect((await play(story, { kind: 'step' })).frames).toHaveLength(story.length)
  const none = await play(story, { kind: 'step' }, { next: async () => false })
  expect(none.frames).toHaveLength(1)
})

test('a picture is no larger than the screen, however much has happened', async () => {
  const many = Array.from({ length: 5000 }, (_, i) => [
    at(i, exec(i + 10, i % 7 === 0 ? 9 : i + 9, `/bin/${'p'.repeat(100)}${i}`)),
    at(i, { type: 'action.intent', id: `a${i}`, action: get, verdict: allow, credentials: [] }),
    at(i, { type: 'action.held', id: `h${i}`, action: get, needs: ['operator'], reason: '' }),
    at(i, { type: 'alert', severity: 'high', rule: 'r', subject: 's' }),
  ]).flat()
  for (const rows of [24, 50]) {
    const { frames } = await play(
      many,
      { kind: 'at', atMs: BEGIN + 9000 },
      { size: () => ({ columns: 60, rows }) },
    )
    const frame = frames[0] ?? []
    expect(frame.length).toBeLessThanOrEqual(rows)
    expect(Math.max(...frame.map((line) => line.length))).toBe(60)
    expect(frame.at(-1)).toBe('20000 leaves, 0 bytes out, 0 in, 5000 alerts, 0 gaps')
  }
})

test('processes that are each other’s parents are drawn once', async () => {
  const { frames } = await play(
    [at(0, exec(1, 2, '/a')), at(0, exec(2, 1, '/b')), at(0, exec(3, 3, '/c'))],
    {
      kind: 'at',
      atMs: BEGIN,
    },
  )
  expect(
    frames[0]
      ?.filter((line) => /^ +\d/.test(line))
      .map((line) => line.trim())
      .sort(),
  ).toEqual(['1 /a', '2 /b', '3 /c'])
})

test('leaves of any other shape are still drawn', async () => {
  const { frames } = await play(
    [{}, { type: 'session.end' }, { type: 'action.intent', verdict: 7 }, { at: 'never' }],
    { kind: 'at', atMs: 0 },
  )
  expect(frames[0]?.at(-1)).toBe('4 leaves, 0 bytes out, 0 in, 0 alerts, 0 gaps')
})
