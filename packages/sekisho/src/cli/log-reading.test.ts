import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { noteSigner } from '@sekisho/verify'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SekishoError } from '../core/error.ts'
import { openLog } from '../keyholder/log/open-log.ts'
import { logRead } from '../wire/log-read.ts'
import { Peer } from '../wire/peer.ts'
import { socketTransport } from '../wire/transport.ts'
import type { Command } from './command.ts'
import { log } from './log.ts'
import { logs } from './logs.ts'

const SESSION = 's-00000000000000000000'
const signer = noteSigner('sekisho/log/test', generateKeyPairSync('ed25519').privateKey)

let home = ''
let server: net.Server | undefined
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'sekisho-cli-reading-'))
  vi.stubEnv('SEKISHO_HOME', home)
  mkdirSync(join(home, 'run'))
  const written = await openLog({ dir: logDir(), signer, now: () => new Date() })
  await written.append({ type: 'session.start', session: SESSION, agent: 'a', argv: ['true'] })
  await written.close()
  writeFileSync(join(home, 'state/log.vkey'), signer.vkey)
})
afterEach(() => {
  server?.close()
  vi.unstubAllEnvs()
  rmSync(home, { recursive: true })
})

const logDir = (): string => join(home, 'state/keyholder/log')
const bundle = (): string => join(home, 'bundle')

type Read = { what: string; query: string }

/** A platform that answers one call, with a number, an error or not at all. */
async function platform(record: (read: Read) => { index: number }): Promise<void> {
  server = net.createServer((socket) => {
    const peer = new Peer('client', socketTransport(socket), {
      out: {},
      in: { 'log.read': logRead },
      handlers: { 'log.read': record },
    })
    peer.onClose(() => socket.destroy())
  })
  const listening = server
  await new Promise<void>((resolve) => void listening.listen(join(home, 'run/api.sock'), resolve))
}

const READINGS: readonly [name: string, Command, () => readonly string[], string][] = [
  ['show', log, () => ['show', '--denied'], 'show --denied'],
  ['logs', logs, () => [SESSION], `show --session ${SESSION}`],
  ['query', log, () => ['query', '--agent', 'a'], 'query --agent a'],
  ['count', log, () => ['query', '--count'], 'query --count'],
  ['timeline', log, () => ['timeline', SESSION], `show timeline ${SESSION}`],
  ['replay', log, () => ['replay', SESSION], `replay ${SESSION}`],
  ['sequence', log, () => ['sequence', SESSION], `show sequence ${SESSION}`],
  ['export', log, () => ['export', '--out', bundle()], 'export --out BUNDLE'],
  ['tiles', log, () => ['tiles', '--out', bundle()], 'export tiles --out BUNDLE'],
  ['prove', log, () => ['prove', '0'], 'export prove 0'],
]

test.for(READINGS)(
  '%s is put on record before a line is shown',
  async ([, command, argv, asked]) => {
    const happened: string[] = []
    await platform(({ what, query }) => {
      happened.push(`${what} ${query.replace(bundle(), 'BUNDLE')}`)
      return { index: 1 }
    })
    await command.run(argv(), { out: () => void happened.push('shown'), err: () => undefined })
    expect(happened[0]).toBe(asked)
    expect(happened.filter((one) => one !== 'shown')).toHaveLength(1)
  },
)

test.for(READINGS)(
  '%s shows nothing where a platform runs and does not record it',
  async ([, command, argv]) => {
    await platform(() => {
      throw new SekishoError('LOG_UNWRITABLE', 'the disk is full')
    })
    const shown: string[] = []
    const say = (line: string): void => void shown.push(line)
    await expect(command.run(argv(), { out: say, err: say })).rejects.toMatchObject({
      code: 'LOG_UNWRITABLE',
      message: 'this reading could not be put on record, so nothing is shown',
    })
    expect({ shown, isExported: existsSync(bundle()) }).toEqual({ shown: [], isExported: false })
  },
)

test('a platform that hangs up has recorded nothing', async () => {
  server = net.createServer((socket) => socket.destroy())
  const listening = server
  await new Promise<void>((resolve) => void listening.listen(join(home, 'run/api.sock'), resolve))
  const out = vi.fn()
  await expect(log.run(['query'], { out, err: out })).rejects.toMatchObject({
    code: 'LOG_UNWRITABLE',
  })
  expect(out).not.toHaveBeenCalled()
})

test('while somebody writes the log, a socket that was taken away does not make a reading free', async () => {
  const writer = await openLog({ dir: logDir(), signer, now: () => new Date() })
  const out = vi.fn()
  try {
    await expect(log.run(['query'], { out, err: out })).rejects.toMatchObject({
      code: 'LOG_UNWRITABLE',
      hint: expect.stringContaining('does not answer at its socket'),
    })
    expect(out).not.toHaveBeenCalled()
  } finally {
    await writer.close()
  }
  await log.run(['query'], { out, err: () => undefined })
  expect(out).toHaveBeenCalledOnce()
})

test('a longer question is recorded as far as a leaf goes', async () => {
  let recorded = ''
  await platform(({ query }) => {
    recorded = query
    return { index: 1 }
  })
  const words = Array.from({ length: 1000 }, (_, i) => `word${i}`)
  await log.run(['query', ...words], { out: () => undefined, err: () => undefined })
  expect(recorded).toBe(words.join(' ').slice(0, 4096))
})
