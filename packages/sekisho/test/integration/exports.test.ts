import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pass } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import { type Instance, openInstance, processesOf, run } from './instance.ts'

/** Made up, and put together here so that no scanner takes it for one. */
const SECRET = ['made', 'up', 'collector', 'token'].join('-')

let instance: Instance
let silent: Server
beforeAll(async () => {
  // takes connections, and never says a word
  silent = createServer((socket) => void socket.on('error', () => undefined))
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const address = silent.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  instance = await openInstance({
    secrets: { COLLECTOR_TOKEN: SECRET },
    settings: {
      exports: {
        lag: { age: '1s' },
        sinks: [
          { name: 'archive', kind: 'jsonl', heartbeat: '1h' },
          { name: 'events', kind: 'ocsf-file' },
          {
            name: 'hanging',
            kind: 'otlp',
            url: `https://127.0.0.1:${port}`,
            headers: { authorization: 'env:COLLECTOR_TOKEN' },
          },
        ],
      },
    },
    bundle: {
      'alerts.yaml': {
        version: 1,
        rules: [{ name: 'own.rule', type: 'session.end', per: 'session', severity: 'low' }],
      },
    },
  })
})
afterAll(async () => {
  await instance?.close()
  silent?.close()
})

const Line = z.looseObject({
  id: z.string(),
  index: z.int(),
  leaf: z.looseObject({ type: z.string() }),
})

test('the log goes out as it is, beside a sink that hangs', async () => {
  const { code } = await run(instance, ['sh', '-c', 'getent hosts canary.example; true'])
  expect(code).toBe(0)
  const alert = await exported(({ leaf }) => leaf['rule'] === 'own.rule')
  expect(alert.leaf).toMatchObject({ type: 'platform.alert', severity: 'low' })
  await exported(({ leaf }) => leaf['rule'] === 'dns.denied')
  expect(instance.said()).toMatch(/ALERT medium dns\.denied: dns\.resolve canary\.example of s-/)
  const shown = await instance.sekisho('log', 'show', '--json')
  const inLog = shown.stdout
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line))
  const lines = await archived()
  for (const { id, index, leaf } of lines) {
    expect(id).toMatch(new RegExp(`^sekisho/log/[0-9a-f]+#${index}$`))
    expect(inLog[index]).toEqual({ index, leaf })
  }
  expect(lines.map(({ index }) => index)).toEqual(lines.map((_, i) => i))
})

test('a sink that hangs is named, and alarmed of once', async () => {
  await exported(({ leaf }) => leaf['rule'] === 'export.lag')
  const { stdout } = await instance.sekisho('status')
  expect(stdout).toMatch(/ok\s+export\s+archive \(jsonl\) /)
  expect(stdout).toMatch(/degraded\s+export: hanging \(otlp\) .* leaves, \d+ bytes, \d+ s behind/)
  const lags = (await archived()).filter(({ leaf }) => leaf['rule'] === 'export.lag')
  expect(lags).toHaveLength(1)
})

test('a killed exporter stops no session, loses nothing and repeats nothing by another id', async () => {
  const before = (await processesOf(instance))['exporter'] ?? 0
  const session = run(instance, ['sh', '-c', 'read line; getent hosts after.example; echo $line'], {
    input: 'went on\n',
  })
  process.kill(before, 'SIGKILL')
  expect(await session).toMatchObject({ code: 0, stdout: 'went on\n' })
  await exported(
    ({ leaf }) => JSON.stringify(leaf).includes('after.example') && leaf.type === 'action.intent',
  )
  expect((await processesOf(instance))['exporter']).not.toBe(before)
  const byIndex = new Map<number, string>()
  for (const line of await archived()) {
    const text = JSON.stringify(line)
    expect(byIndex.get(line.index) ?? text).toBe(text)
    byIndex.set(line.index, text)
  }
  expect([...byIndex.keys()].toSorted((a, b) => a - b)).toEqual(
    [...byIndex.keys()].map((_, i) => i),
  )
})

test('what a sink is given as a secret stands in no file and no message', async () => {
  const { stdout } = await promisify(execFile)('grep', [
    '-rlaF',
    '--exclude-dir=sessions',
    SECRET,
    instance.home,
  ]).catch((error: unknown) => ({ stdout: String(Reflect.get(Object(error), 'stdout')) }))
  expect(stdout).toBe('')
  expect(instance.said()).not.toContain(SECRET)
})

test('its user reads the log and nothing else of the keyholder, and writes nothing of it', async () => {
  const pid = (await processesOf(instance))['exporter'] ?? 0
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  expect(status).toMatch(/^Uid:\s+70906\s/m)
  expect(status).toMatch(/^Gid:\s+70901\s/m)
  expect(status).toMatch(/^Groups:\s*$/m)
  const keyholder = join(instance.home, 'state/keyholder')
  const log = join(keyholder, 'log/000000000001.log')
  const inBox = '/run/sekisho-box'
  const enter = ['-t', String(pid), '-m', 'setpriv', '--reuid', '70906', '--regid', '70901']
  const as = async (...command: string[]): Promise<boolean> =>
    promisify(execFile)('nsenter', [...enter, '--clear-groups', '--', ...command]).then(
      () => true,
      () => false,
    )
  expect(await as('head', '-c1', `${inBox}/log/000000000001.log`)).toBe(true)
  expect(await as('touch', `${inBox}/log/000000000001.log`)).toBe(false)
  expect(await as('touch', `${inBox}/log/new`)).toBe(false)
  expect(await as('ls', `${inBox}/keyholder/keys`)).toBe(false)
  expect(await as('head', '-c1', log)).toBe(false)
})

async function archived(): Promise<z.infer<typeof Line>[]> {
  const text = await readFile(
    join(instance.home, 'state/exporter/sinks/archive/archive.jsonl'),
    'utf8',
  )
  return text
    .split('\n')
    .filter((line) => line.includes('"leaf":'))
    .map((line) => Line.parse(JSON.parse(line)))
}

/** The first leaf that is so, once it is in the file. */
async function exported(
  isSo: (line: z.infer<typeof Line>) => boolean,
): Promise<z.infer<typeof Line>> {
  const late = AbortSignal.timeout(60_000)
  for (;;) {
    late.throwIfAborted()
    const found = (await archived().catch(() => [])).find(isSo)
    if (found !== undefined) return found
    await pass(20)
  }
}
