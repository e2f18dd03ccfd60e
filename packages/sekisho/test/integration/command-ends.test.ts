import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pass } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Client,
  type Instance,
  openInstance,
  run,
  runningSessions,
  startRun,
} from './instance.ts'

let instance: Instance
beforeAll(async () => {
  instance = await openInstance({
    agents: { quick: { version: 1, name: 'quick', limits: { wallClock: '1s' } } },
  })
})
afterAll(async () => instance?.close())

describe('signals to the client', () => {
  const trap = (name: string): string[] => [
    'sh',
    '-c',
    `trap 'echo caught; exit 9' ${name}; echo ready; while :; do sleep 0.05; done`,
  ]

  test.each(['INT', 'TERM', 'HUP', 'USR1', 'USR2'] as const)(
    'SIG%s reaches the command, whose exit code comes back',
    async (name) => {
      const client = startRun(instance, trap(name))
      await client.says('ready')
      client.process.kill(`SIG${name}`)
      // whatever the shell says of its `sleep`, which got the signal too
      expect(await client.ended).toMatchObject({ code: 9, stdout: 'ready\ncaught\n' })
    },
  )

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s ends a command that does not catch it', async (signal, code) => {
    const client = startRun(instance, ['sh', '-c', 'echo ready; exec sleep 60'])
    await client.says('ready')
    client.process.kill(signal)
    expect(await client.ended).toMatchObject({ code, stderr: '' })
  })

  test('a signal at any moment of the start ends the command', async () => {
    const clients = Array.from({ length: 12 }, () => startRun(instance, ['sleep', '60']))
    const seen = await Promise.all(
      clients.map(async (client, i) => {
        await once(client.process, 'spawn')
        await pass(30 + i * 15) // where in the start it hits is the point
        client.process.kill('SIGTERM')
        const { code, signal } = await client.ended
        return code ?? signal
      }),
    )
    // before Node listens, the client itself dies of it
    expect(seen.filter((end) => end !== 143 && end !== 'SIGTERM')).toEqual([])
    await expect.poll(() => runningSessions(instance)).toEqual([])
  })
})

describe('several at once', () => {
  test('eight clients side by side each get their own', async () => {
    const ends = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        run(instance, ['sh', '-c', `cat; exit ${i}`], { input: `number ${i}` }),
      ),
    )
    expect(ends.map(({ code, stdout }) => [code, stdout])).toEqual(
      Array.from({ length: 8 }, (_, i) => [i, `number ${i}`]),
    )
  })
})

describe('ends that the command did not choose', () => {
  const stubborn = [
    'sh',
    '-c',
    'trap "" TERM HUP INT; echo "$SEKISHO_SESSION ready"; while :; do sleep 0.05; done',
  ]
  const chatty = ['sh', '-c', 'echo "$SEKISHO_SESSION ready"; exec yes']
  const sessionOf = async (client: Client): Promise<string> => {
    await client.says(' ready\n')
    return client.said().split(' ')[0] ?? ''
  }
  const isRunning = async (session: string): Promise<boolean> =>
    (await runningSessions(instance)).includes(session)

  test('a client that is killed takes its session with it', async () => {
    const client = startRun(instance, stubborn)
    const session = await sessionOf(client)
    expect(await isRunning(session)).toBe(true)
    client.process.kill('SIGKILL')
    await expect.poll(() => isRunning(session)).toBe(false)
  })

  test('sekisho stop ends a session that ignores SIGTERM', async () => {
    const client = startRun(instance, stubborn)
    const session = await sessionOf(client)
    const stopped = await instance.sekisho('stop', session)
    expect(stopped).toEqual({ code: 0, stdout: `${session} stopped (137)\n`, stderr: '' })
    expect(await client.ended).toMatchObject({
      code: 137,
      stderr: `sekisho: session ${session} ended: stopped by an operator\n`,
    })
  })

  test('sekisho stop ends a session whose output nobody reads', async () => {
    const client = startRun(instance, chatty, { stdio: ['ignore', 'pipe', 'pipe'] })
    const session = await sessionOf(client)
    client.process.stdout?.pause()
    expect(await instance.sekisho('stop', session)).toMatchObject({ code: 0 })
    client.process.stdout?.resume()
    expect(await client.ended).toMatchObject({ code: 143 })
  })

  test('a client that is killed while nobody reads its output takes its session with it', async () => {
    const client = startRun(instance, chatty, { stdio: ['ignore', 'pipe', 'pipe'] })
    const session = await sessionOf(client)
    client.process.stdout?.pause()
    client.process.kill('SIGKILL')
    await expect.poll(() => isRunning(session)).toBe(false)
    client.process.stdout?.resume()
    await client.ended
  })

  test('the wall-clock limit ends a session and says so', async () => {
    const { code, stderr } = await run(instance, ['sleep', '600'], { flags: ['--agent', 'quick'] })
    expect(code).toBe(143)
    expect(stderr.replace(/s-\w{20}/, 'ID')).toBe(
      'sekisho: session ID ended: the wall-clock limit of 1 s is reached\nhint: raise limits.wallClock in the agent file\n',
    )
  })

  test('what the command left in the background ends with it', async () => {
    const { code, stdout } = await run(instance, [
      'sh',
      '-c',
      'sleep 987 & setsid sleep 987 & echo left',
    ])
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'left\n' })
    const { stdout: found } = spawnSync('pgrep', ['-f', '^sleep 987$'], { encoding: 'utf8' })
    expect(found).toBe('')
  })
})
