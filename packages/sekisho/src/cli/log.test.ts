import { generateKeyPairSync } from 'node:crypto'
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { noteSigner } from '@sekisho/verify'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openLog } from '../keyholder/log/open-log.ts'
import { log } from './log.ts'
import { logs } from './logs.ts'
import { said } from './testing/said.ts'

const SESSION = 's-00000000000000000000'
const signer = noteSigner('sekisho/log/test', generateKeyPairSync('ed25519').privateKey)
const now = (): Date => new Date('2026-01-02T03:04:05.678Z')

let home = ''
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'sekisho-cli-log-'))
  vi.stubEnv('SEKISHO_HOME', home)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(home, { recursive: true })
})

const directory = (): string => join(home, 'state/keyholder/log')

/** A log of four leaves: one session open, one action open, one denied. */
async function writeLog(): Promise<string> {
  const written = await openLog({ dir: directory(), signer, now })
  await written.append({ type: 'platform.start', version: '1' })
  await written.append({ type: 'session.start', session: SESSION, agent: 'a', argv: ['true'] })
  const verdict = { kind: 'allow', rules: ['r'] }
  await written.append({ type: 'action.intent', session: SESSION, id: 'a', verdict })
  const denied = { kind: 'deny', rules: ['r'], reason: 'no rule allows it' }
  await written.append({ type: 'action.intent', session: SESSION, id: 'b', verdict: denied })
  const { checkpoint } = written
  await written.close()
  writeFileSync(join(home, 'state/log.vkey'), `${signer.vkey}\n`)
  return checkpoint ?? ''
}

test('a sound log is said to be so, with what is open in it', async () => {
  const checkpoint = await writeLog()
  const root = checkpoint.split('\n')[2]
  expect(await said(log, 'verify')).toEqual({
    code: 0,
    out: [
      `sound: 4 leaves, 4 checkpoints, root ${root}, 0 gaps, 1 actions and 1 sessions open`,
      'no root was given: signatures, identities and counters were not looked at',
    ],
    err: [],
  })
  const { out } = await said(log, 'verify', '--json', '--key', signer.vkey)
  expect(JSON.parse(out[0] ?? '')).toMatchObject({
    kind: 'sound',
    size: 4,
    openSessions: [SESSION],
  })
})

test('a checkpoint kept elsewhere is taken back, whatever line ends an editor gave it', async () => {
  const file = join(home, 'kept')
  writeFileSync(file, `${(await writeLog()).trimEnd()}\n\n`)
  expect((await said(log, 'verify', '--checkpoint', file)).code).toBe(0)
  rmSync(directory(), { recursive: true })
  await (await openLog({ dir: directory(), signer, now })).close()
  expect(await said(log, 'verify', '--checkpoint', file)).toEqual({
    code: 1,
    out: [],
    err: ['broken at index 0: the log ends after 0 leaves, the previous checkpoint is for 4 (0:1)'],
  })
})

const invalid = { code: 'CONFIG_INVALID', hint: expect.any(String) }
test.for([
  {
    name: 'a key that is none',
    flags: ['--key', 'hello'],
    message: '--key is no verification key',
  },
  { name: 'an empty key', flags: ['--key', ''], message: '--key is no verification key' },
  {
    name: 'a checkpoint that is not there',
    flags: ['--checkpoint', '/nowhere/kept'],
    message: '/nowhere/kept cannot be read',
  },
  {
    name: 'a checkpoint that is none',
    flags: ['--checkpoint', import.meta.filename],
    message: `${import.meta.filename} is no checkpoint of this log: `,
  },
])('$name cannot be verified with, and the hint says what can', async ({ flags, message }) => {
  await writeLog()
  await expect(said(log, 'verify', ...flags)).rejects.toMatchObject({
    ...invalid,
    message: expect.stringContaining(message),
  })
})

test('a key file that is damaged is named', async () => {
  await writeLog()
  writeFileSync(join(home, 'state/log.vkey'), 'junk')
  await expect(said(log, 'verify')).rejects.toMatchObject({
    ...invalid,
    message: `${join(home, 'state/log.vkey')} is no verification key`,
  })
})

test.for([
  ['verify', log, ['verify', '--key', signer.vkey]],
  ['show', log, ['show']],
  ['logs', logs, [SESSION]],
] as const)('without a log, %s says where it looked', async ([, command, argv]) => {
  await expect(said(command, ...argv)).rejects.toMatchObject({
    ...invalid,
    message: `the log in ${directory()} cannot be read`,
    hint: expect.stringContaining('SEKISHO_HOME'),
  })
})

test('a file that is no log is LOG_BROKEN, with its line', async () => {
  await writeLog()
  appendFileSync(join(directory(), '000000000001.log'), 'hello\n')
  await expect(said(log, 'show')).rejects.toMatchObject({
    code: 'LOG_BROKEN',
    message: 'segment 1, line 10: not a log',
  })
  expect(await said(log, 'verify')).toMatchObject({
    code: 1,
    err: ['broken at index 4: neither a leaf nor a checkpoint (1:10)'],
  })
})

test('show gives all leaves, those of a session, or those denied', async () => {
  await writeLog()
  const indexes = async (...argv: string[]): Promise<unknown[]> =>
    (await said(log, 'show', '--json', ...argv)).out.map((line) => JSON.parse(line).index)
  expect(await indexes()).toEqual([0, 1, 2, 3])
  expect(await indexes('--session', SESSION)).toEqual([1, 2, 3])
  expect(await indexes('--denied')).toEqual([3])
  expect((await said(logs, SESSION)).out).toHaveLength(3)
})

test.for([
  ['log show', log, ['show', '--session']],
  ['logs', logs, []],
] as const)(
  '%s of a session that no leaf is of, or of no session id, says so',
  async ([, command, argv]) => {
    await writeLog()
    const { code, out, err } = await said(command, ...argv, 's-11111111111111111111')
    expect([code, out, err.at(-1)]).toEqual([
      1,
      [],
      'the log knows no session s-11111111111111111111: see `sekisho log query --type session.start`',
    ])
    await expect(said(command, ...argv, 'nope')).rejects.toMatchObject({
      code: 'USAGE',
      message: 'nope is no session id',
      hint: expect.any(String),
    })
  },
)

test('a session of which nothing was denied is none that the log does not know', async () => {
  const written = await openLog({ dir: directory(), signer, now })
  await written.append({ type: 'session.start', session: SESSION, agent: 'a', argv: ['true'] })
  await written.close()
  const { code, out } = await said(log, 'show', '--denied', '--session', SESSION)
  expect([code, out]).toEqual([0, []])
})

test.for([
  ['nothing to do', []],
  ['another action', ['delete']],
  ['an unknown flag', ['show', '--all']],
  ['a stray argument', ['verify', 'it', 'too']],
] as const)('%s is a mistake of usage', async ([, argv]) => {
  mkdirSync(directory(), { recursive: true })
  await expect(said(log, ...argv)).rejects.toMatchObject({ code: 'USAGE' })
})
