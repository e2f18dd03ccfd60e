import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { changesOf, type SessionRecord, writeSessionRecord } from '../daemon/session-record.ts'
import { api } from '../wire/api.ts'
import { Peer } from '../wire/peer.ts'
import { socketTransport } from '../wire/transport.ts'
import { ps } from './ps.ts'
import { rm } from './rm.ts'
import { said } from './testing/said.ts'

const [ENDED, OTHER, RUNNING] = [
  's-00000000000000000000',
  's-11111111111111111111',
  's-22222222222222222222',
] as const

let home = ''
let daemon: net.Server | undefined
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'sekisho-cli-rm-'))
  vi.stubEnv('SEKISHO_HOME', home)
  keep(ENDED, '2026-01-01T00:00:01Z')
  keep(OTHER, '2026-01-01T00:00:02Z')
})
afterEach(() => {
  vi.unstubAllEnvs()
  daemon?.close()
  daemon = undefined
  rmSync(home, { recursive: true })
})

const sessions = (): string => join(home, 'state/sessions')
const kept = (): string[] =>
  [ENDED, OTHER, RUNNING].filter((id) => existsSync(join(sessions(), id)))

/** What a session leaves: its record, and a change. */
function keep(session: string, endedAt: string | null): void {
  const record: SessionRecord = {
    version: 1,
    session,
    agent: 'a',
    argv: ['make'],
    workspace: null,
    startedAt: '2026-01-01T00:00:00Z',
    endedAt,
    exitCode: endedAt === null ? null : 0,
  }
  writeSessionRecord(sessions(), record)
  mkdirSync(changesOf(sessions(), session), { recursive: true })
  writeFileSync(join(changesOf(sessions(), session), 'file'), 'x')
}

/** A daemon that says that one session runs. */
async function startDaemon(): Promise<void> {
  keep(RUNNING, null)
  mkdirSync(join(home, 'run'))
  daemon = net.createServer((socket) => {
    const unavailable = (): never => {
      throw new Error('only ps is asked here')
    }
    new Peer('client', socketTransport(socket), {
      out: {},
      in: { ps: api.ps, stop: api.stop },
      handlers: {
        ps: () => ({
          sessions: [
            {
              session: RUNNING,
              agent: 'a',
              argv: ['sleep', '60'],
              workspace: null,
              startedAt: '2026-01-01T00:00:00Z',
            },
          ],
        }),
        stop: unavailable,
      },
    })
  })
  daemon.listen(join(home, 'run/api.sock'))
  await once(daemon, 'listening')
}

test('the named sessions are removed, and no other', async () => {
  await startDaemon()
  expect(await said(rm, ENDED, ENDED)).toEqual({ code: 0, out: [`removed  ${ENDED}`], err: [] })
  expect(kept()).toEqual([OTHER, RUNNING])
})

test('--all-ended leaves what runs', async () => {
  await startDaemon()
  const { out } = await said(rm, '--all-ended', '--json')
  expect(JSON.parse(out[0] ?? '')).toEqual({ removed: [ENDED, OTHER] })
  expect(kept()).toEqual([RUNNING])
})

test('a session that runs is refused, and nothing is removed', async () => {
  await startDaemon()
  await expect(said(rm, ENDED, RUNNING)).rejects.toMatchObject({
    code: 'WORKSPACE_INVALID',
    message: `session ${RUNNING} has not ended; nothing is removed`,
    hint: `run \`sekisho stop ${RUNNING}\` first`,
  })
  expect(kept()).toEqual([ENDED, OTHER, RUNNING])
})

test('without a daemon nothing runs: what a killed one left can be removed', async () => {
  keep(RUNNING, null)
  await said(rm, '--all-ended')
  expect(kept()).toEqual([])
})

test('a link that a session left is removed, and not what it leads to', async () => {
  const outside = join(home, 'mine')
  mkdirSync(outside)
  writeFileSync(join(outside, 'file'), 'mine')
  symlinkSync(outside, join(changesOf(sessions(), ENDED), 'link'))
  await said(rm, ENDED)
  expect(kept()).toEqual([OTHER])
  expect(existsSync(join(outside, 'file'))).toBe(true)
})

test.for([
  ['a session that left nothing', ['s-33333333333333333333'], 'SESSION_UNKNOWN'],
  ['a path', ['../sessions'], 'SESSION_UNKNOWN'],
  ['nothing', [], 'USAGE'],
  ['a session and all', [ENDED, '--all-ended'], 'USAGE'],
] as const)('%s is refused', async ([, argv, code]) => {
  await expect(said(rm, ...argv)).rejects.toMatchObject({ code })
  expect(kept()).toEqual([ENDED, OTHER])
})

test('ps says what runs; with --all also what was left', async () => {
  await startDaemon()
  expect((await said(ps)).out).toEqual([
    'SESSION                 AGENT  STATE    STARTED               COMMAND',
    `${RUNNING}  a      running  2026-01-01T00:00:00Z  sleep 60`,
  ])
  const { out, err } = await said(ps, '--all', '--json')
  expect(JSON.parse(out[0] ?? '').sessions).toMatchObject([
    { session: RUNNING, state: 'running' },
    { session: ENDED, state: 'ended (0)' },
    { session: OTHER, state: 'ended (0)' },
  ])
  expect(err).toEqual([])
})

test('ps without a daemon says so, and shows with --all what was left', async () => {
  const nobody = `no daemon answers at ${join(home, 'run/api.sock')}: nothing runs`
  expect(await said(ps, '--json')).toEqual({ code: 0, out: ['{"sessions":[]}'], err: [nobody] })
  const { code, out, err } = await said(ps, '--all', '--json')
  expect([code, err]).toEqual([0, [nobody]])
  expect(JSON.parse(out[0] ?? '').sessions).toMatchObject([{ session: ENDED }, { session: OTHER }])
})
