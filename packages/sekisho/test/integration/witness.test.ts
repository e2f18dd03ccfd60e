import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { stringify } from 'yaml'
import * as z from 'zod'
import { type Platform, startPlatform } from '../agents/platform.ts'
import { LAUNCHER } from './instance.ts'

/**
 * What the platform's own operator can do with root on the files, and a witness run by another sees.
 */

const run = promisify(execFile)
const NOTHING_OPEN = { version: 1, name: 'default', presets: 'none' }

let directory = ''
let home = ''
let serving: ChildProcess
let vkeys: string[]
const platforms: Platform[] = []

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sekisho-witness-'))
  await run('chmod', ['755', directory])
  home = join(directory, 'home')
  const { stdout } = await witness('key', '--name', 'w.example/a', '--json')
  vkeys = z.object({ vkeys: z.array(z.string()) }).parse(JSON.parse(stdout)).vkeys
  serving = spawn(
    LAUNCHER,
    ['witness', 'serve', '--state', join(directory, 'w'), '--socket', join(directory, 'socket')],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  await new Promise<void>((resolve) => {
    serving.stdout?.on('data', (bytes: Buffer) => {
      if (bytes.toString().includes('listening on')) resolve()
    })
  })
  // the log has a key once it was started
  await (await start()).stop()
  const logKey = (await readFile(join(home, 'state/log.vkey'), 'utf8')).trim()
  await witness('add-log', logKey)
  const first = await start()
  await cosigned(first)
  await first.stop()
  await keepAs('older')
  const second = await start()
  await second.sekisho('run', '--', 'true')
  await cosigned(second)
  await second.stop()
  await keepAs('newest')
})
afterAll(async () => {
  for (const platform of platforms) await platform.stop()
  serving?.kill()
  if (serving !== undefined) await once(serving, 'exit')
  await rm(directory, { recursive: true, force: true })
})

async function start({ isWitnessed = true } = {}): Promise<Platform> {
  const list = [{ name: 'a', operator: 'Acme', url: `unix:${directory}/socket`, vkey: vkeys }]
  const settings = { version: 1, witnesses: { every: '1s', list: isWitnessed ? list : [] } }
  await run('mkdir', ['-p', join(home, 'policy')])
  await writeFile(join(home, 'policy/platform.yaml'), stringify(settings))
  const platform = await startPlatform({ home, agents: { default: NOTHING_OPEN }, secrets: {} })
  platforms.push(platform)
  return platform
}

function witness(...args: string[]): Promise<{ stdout: string }> {
  const [action = '', ...rest] = args
  return run(LAUNCHER, ['witness', action, '--state', join(directory, 'w'), ...rest])
}

/** Waits until all that the log has is cosigned. */
async function cosigned(platform: Platform): Promise<void> {
  const isCosigned = async (): Promise<boolean> => {
    const { stdout } = await platform.sekisho('status')
    const [, size] = /, (\d+) log leaves/.exec(stdout) ?? []
    return size !== undefined && stdout.includes(`a of Acme, ${size} leaves cosigned`)
  }
  // `expect.poll` is for tests, and this is asked for before them too
  await vi.waitUntil(isCosigned, { interval: 100, timeout: 60_000 })
}

async function keepAs(copy: string): Promise<void> {
  await rm(join(directory, copy), { recursive: true, force: true })
  await copyAll(join(home, 'state'), join(directory, copy))
}

/** With owners and modes: the keyholder reads nothing that is not its own. */
async function copyAll(from: string, to: string): Promise<void> {
  await run('cp', ['-a', from, to])
}

async function setBackTo(copy: string): Promise<void> {
  await rm(join(home, 'state'), { recursive: true })
  await copyAll(join(directory, copy), join(home, 'state'))
}

test('the whole state set back to an older copy does not start, and the newest one does', async () => {
  await setBackTo('older')
  await expect(start()).rejects.toThrow(
    /LOG_BROKEN: .*a of Acme: \d+ leaves are cosigned, the log has/,
  )
  await setBackTo('newest')
  const restored = await start()
  await cosigned(restored)
  await restored.stop()
  await keepAs('newest')
})

test('a log cut off behind a checkpoint does not start', async () => {
  await setBackTo('newest')
  const dir = join(home, 'state/keyholder/log')
  const last =
    (await readdir(dir))
      .filter((name) => name.endsWith('.log'))
      .toSorted()
      .at(-1) ?? ''
  const text = await readFile(join(dir, last), 'utf8')
  const checkpoints = [...text.matchAll(/^".*"$/gm)]
  const [cut] = checkpoints
  await truncate(
    join(dir, last),
    Buffer.byteLength(text.slice(0, (cut?.index ?? 0) + (cut?.[0].length ?? 0) + 1)),
  )
  await rm(join(home, 'state/exporter'), { recursive: true })
  await expect(start()).rejects.toThrow(/LOG_BROKEN/)
})

test('another history, grown past the first while nobody looked, does not start once somebody does', async () => {
  await setBackTo('older')
  // with the witness off the same files are in order: what refuses them below is the witness
  const unseen = await start({ isWitnessed: false })
  for (let n = 0; n < 4; n += 1) await unseen.sekisho('run', '--', 'true')
  await unseen.stop()
  await expect(start()).rejects.toThrow(/LOG_BROKEN: .*another tree of \d+ leaves is cosigned/)
})

test('a log under a new key is not the one that is watched: the status says so', async () => {
  await rm(join(home, 'state'), { recursive: true })
  const platform = await start()
  const { stdout } = await platform.sekisho('status')
  expect(stdout).toMatch(/degraded +witnesses: 0 of 1 operators have cosigned the log/)
  expect(stdout).toMatch(/degraded +witness: a of Acme, nothing cosigned; refused: 404/)
  await platform.stop()
})

test('the witness itself holds nothing against a log that was only set back', async () => {
  const { stdout } = await witness('show', '--json')
  expect(JSON.parse(stdout)).toMatchObject({
    logs: [{ forks: 0, badProofs: 0, refused: null }],
    evidence: [],
  })
})
