import { sign } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import * as z from 'zod'
import { readKey, writeNewKey } from '../../src/cli/operator-key-file.ts'
import { BundleFiles } from '../../src/daemon/bundle-files.ts'
import { bundleBytes, bundleDigest, writeSignatures } from '../../src/policy/bundle-signatures.ts'
import { writeKey } from '../../src/policy/operators.ts'
import { keyDigest } from '../../src/policy/signing-key.ts'
import { PolicyReloaded, PolicyStatus } from '../../src/wire/policy-status.ts'
import { startPlatform } from '../agents/platform.ts'
import { type Client, type Instance, openInstance, processesOf, run, startRun } from './instance.ts'
import { clientAgent, startUpstream, type Upstream, UPSTREAM_HOST } from './recording-upstream.ts'

const CLIENT = ['--agent', 'client']
const TUNNEL_PORT = 5432

let directory: string
let upstream: Upstream
let echo: net.Server
let instance: Instance
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sekisho-upstream-'))
  upstream = await startUpstream(directory)
  echo = net.createServer((socket) => {
    socket.on('error', () => undefined)
    socket.pipe(socket)
  })
  echo.listen(0, '127.0.0.1')
  await once(echo, 'listening')
  instance = await openInstance({ agents: { client: agentOf('/one', '/two') } })
})
afterAll(async () => {
  await instance?.close()
  echo?.close()
  await upstream?.close()
  await rm(directory, { recursive: true, force: true })
})

/** May ask for these paths and no other; `/tunnel` stands for a tunnel. */
function agentOf(...paths: readonly string[]): Record<string, unknown> {
  const agent = z.looseObject({ upstreams: z.array(z.unknown()) }).parse(clientAgent(upstream))
  const rules = [{ id: 'paths', effect: 'allow', host: UPSTREAM_HOST, paths }]
  if (!paths.includes('/tunnel')) return { ...agent, rules }
  const { dialPort } = z
    .object({ port: z.int() })
    .transform(({ port }) => ({ dialPort: port }))
    .parse(echo.address())
  const at = { host: UPSTREAM_HOST, reason: 'the test’s own' }
  const tunnel = { ...at, id: 'tunnel', effect: 'allow', scheme: 'tcp', ports: [TUNNEL_PORT] }
  const outside = { ...at, port: TUNNEL_PORT, address: '127.0.0.1', dialPort }
  return { ...agent, rules: [...rules, tunnel], upstreams: [...agent.upstreams, outside] }
}

async function edit(path: string, value: unknown): Promise<void> {
  const text = typeof value === 'string' ? value : stringify(value)
  await writeFile(join(instance.home, 'policy', path), text)
}

async function reload(): Promise<PolicyReloaded> {
  const { code, stdout, stderr } = await instance.sekisho('policy', 'reload', '--json')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return PolicyReloaded.parse(JSON.parse(stdout))
}

async function status(): Promise<PolicyStatus> {
  const { stdout } = await instance.sekisho('policy', 'status', '--json')
  return PolicyStatus.parse(JSON.parse(stdout))
}

/** Asks for each path that it reads on stdin over one connection; `>` writes into a tunnel. */
const ASKING = `
const https = require('node:https'), net = require('node:net')
const agent = new https.Agent({ keepAlive: true, maxSockets: 1 })
let tunnel
const ask = (path) => https.get({ host: '${UPSTREAM_HOST}', path, agent }, (reply) => {
  reply.resume().on('end', () => console.log(path + ' got ' + reply.statusCode))
}).on('error', (error) => console.log(path + ' failed ' + error.code))
const open = () => {
  tunnel = net.connect(${TUNNEL_PORT}, '${UPSTREAM_HOST}')
  tunnel.on('data', (data) => console.log('tunnel says ' + data))
  tunnel.on('error', () => undefined).on('close', () => console.log('tunnel is closed'))
}
let text = ''
process.stdin.on('data', (data) => {
  const lines = (text += data).split('\\n')
  text = lines.pop()
  for (const line of lines) {
    if (line === 'open') open()
    else if (line.startsWith('>')) tunnel.write(line.slice(1))
    else ask(line)
  }
}).on('end', () => process.exit(0))
console.log('ready')
`

async function asking(): Promise<Client> {
  const client = startRun(instance, ['/opt/node/node', '-e', ASKING], { flags: CLIENT })
  await client.says('ready')
  return client
}

async function ask(client: Client, path: string, reply: string): Promise<void> {
  client.process.stdin?.write(`${path}\n`)
  await client.says(`${path} ${reply}`)
}

async function end(client: Client): Promise<void> {
  client.process.stdin?.end()
  expect(await client.ended).toMatchObject({ code: 0, stderr: '' })
}

const Shown = z.object({ leaf: z.looseObject({ type: z.string() }) })

async function leaves(type: string): Promise<Record<string, unknown>[]> {
  const { stdout } = await instance.sekisho('log', 'show', '--json')
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Shown.parse(JSON.parse(line)).leaf)
    .filter((leaf) => leaf.type === type)
}

describe('a session that runs', () => {
  test('is decided by an edit from the very next action on, once a reload has said so', async () => {
    const client = await asking()
    await ask(client, '/two', 'got 200')
    const before = await status()
    await edit('agents/client.yaml', agentOf('/one'))
    const { generation } = await reload()
    expect(generation).toBe((before.inForce?.generation ?? 0) + 1)
    expect(await instance.sekisho('policy', 'status')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        new RegExp(
          `^generation ${generation}\n(?:.*\n)* {2}gate-0 {5}the same\n {2}keyholder {2}the same\n$`,
        ),
      ),
    })
    expect(Object.keys(await processesOf(instance))).not.toContain('solver-compare')
    await ask(client, '/two?again', 'got 403')
    await ask(client, '/one', 'got 200')
    expect(upstream.arrived()).not.toContain('/two?again')
    await end(client)
    const intents = await leaves('action.intent')
    expect(intents).toContainEqual(
      expect.objectContaining({
        generation,
        action: expect.objectContaining({ path: '/two' }),
        verdict: expect.objectContaining({ kind: 'deny' }),
      }),
    )
  })

  test('is decided by an edit soon, without anybody asking for it; a tunnel that it forbids is closed and recorded', async () => {
    await edit('agents/client.yaml', agentOf('/one', '/tunnel'))
    await reload()
    const client = await asking()
    client.process.stdin?.write('open\n>hello\n')
    await client.says('tunnel says hello')
    const editedAtMs = performance.now()
    await edit('agents/client.yaml', agentOf('/one'))
    await client.says('tunnel is closed')
    expect(performance.now() - editedAtMs).toBeLessThan(30_000) // a second, on a machine at rest
    await ask(client, '/one', 'got 200')
    await end(client)
    const denied = (await leaves('action.intent')).filter((leaf) =>
      JSON.stringify(leaf).includes('invariant.policy-changed'),
    )
    expect(denied).toEqual([
      expect.objectContaining({ action: expect.objectContaining({ kind: 'net.connect' }) }),
    ])
  })

  test('and whose user is disabled does nothing any more', async () => {
    const client = await asking()
    await ask(client, '/one', 'got 200')
    const users = [{ name: 'root', uid: 0, enabled: false }]
    await edit('users.yaml', { version: 1, users })
    await reload()
    await ask(client, '/one?disabled', 'got 403')
    expect(upstream.arrived()).not.toContain('/one?disabled')
    await end(client)
    await rm(join(instance.home, 'policy/users.yaml'))
    await reload()
  })

  test('and whose agent file is gone is granted nothing', async () => {
    const client = await asking()
    await ask(client, '/one', 'got 200')
    await rm(join(instance.home, 'policy/agents/client.yaml'))
    await reload()
    await ask(client, '/one?gone', 'got 403')
    await end(client)
    await edit('agents/client.yaml', agentOf('/one'))
    await reload()
  })

  test('goes on under the last generation while the files are not valid, and none begins', async () => {
    const client = await asking()
    await edit('agents/client.yaml', 'version: 1\nname: cleint\n')
    const { code, stderr } = await instance.sekisho('policy', 'reload')
    expect([code, stderr]).toEqual([
      2,
      `sekisho: CONFIG_INVALID: agents/client.yaml:2:7: name: the file is called \`client\`, the agent \`cleint\`\nhint: write name: client, or rename the file\n`,
    ])
    await ask(client, '/one', 'got 200')
    expect(await run(instance, ['true'], { flags: CLIENT })).toMatchObject({ code: 125, stderr })
    await edit('agents/client.yaml', agentOf('/one'))
    await reload()
    await end(client)
  })

  test('is decided by the same generation at a gate that had to be restarted', async () => {
    const client = await asking()
    const { inForce } = await status()
    const gate = (await processesOf(instance))['gate-0'] ?? 0
    process.kill(gate, 'SIGKILL')
    const running = async (): Promise<string[]> => {
      const { processes } = await status()
      return processes.find(({ name }) => name === 'gate-0')?.policies ?? []
    }
    await expect.poll(running).toEqual([inForce?.digest])
    const denied = (): boolean => {
      client.process.stdin?.write('/two\n') // it may not have its network back yet
      return client.said().includes('/two got 403')
    }
    await expect.poll(denied, { interval: 200 }).toBe(true)
    expect(client.said()).not.toContain('/two got 200')
    await ask(client, '/one', 'got 200')
    await end(client)
  })
})

describe('a bundle with operators', () => {
  const keyFile = (name: string): string => join(instance.directory, `${name}.key`)

  async function signBy(...names: readonly string[]): Promise<void> {
    const bundle = join(instance.home, 'policy')
    const files = new Map(Object.entries(new BundleFiles(bundle).read(null).files ?? {}))
    const bytes = bundleBytes(bundleDigest(files))
    const signatures = names.map((name) => {
      const { publicKey, secret } = readKey(keyFile(name))
      const signature = sign(null, bytes, secret).toString('base64')
      return { operator: name, key: keyDigest(publicKey), signature }
    })
    await edit('signatures.yaml', writeSignatures(signatures))
  }

  const refusal = async (): Promise<string> => {
    const { code, stderr } = await instance.sekisho('policy', 'reload')
    expect(code).toBe(2)
    return stderr
  }

  beforeAll(async () => {
    const operators = ['aiko', 'ben'].map((name) => ({
      name,
      key: writeKey(writeNewKey(keyFile(name)).publicKey),
    }))
    await edit('operators.yaml', { version: 1, operators })
    await edit('agents/client.yaml', agentOf('/one', '/two'))
    await reload()
  })

  test('an unsigned edit changes nothing, is in the log and in the status, and no session begins', async () => {
    const client = await asking()
    const before = await status()
    await edit('agents/client.yaml', agentOf('/one', '/two', '/three'))
    const alerted = async (): Promise<string> =>
      (await instance.sekisho('status')).stdout
        .split('\n')
        .find((line) => line.includes('policy-refused')) ?? ''
    await expect
      .poll(alerted)
      .toMatch(
        /degraded {2}policy-refused: the policy bundle sha256:\w+ is signed by none of aiko, ben/,
      )
    await ask(client, '/three', 'got 403')
    expect((await status()).inForce).toEqual(before.inForce)
    expect(await run(instance, ['true'], { flags: CLIENT })).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('POLICY_REFUSED'),
    })
    expect(await leaves('policy.refused')).toContainEqual(
      expect.objectContaining({ reason: expect.stringContaining('is signed by none of') }),
    )
    await end(client)
  })

  test('a change that widens takes two operators', async () => {
    await signBy('aiko')
    expect(await refusal()).toMatch(/POLICY_REFUSED: the policy bundle allows more.* only aiko has/)
    await signBy('aiko', 'ben')
    expect(await reload()).toMatchObject({ signers: ['aiko', 'ben'] })
  })

  test('one that is proven to narrow takes one', async () => {
    await edit('agents/client.yaml', agentOf('/one', '/two'))
    await signBy('ben')
    expect(await reload()).toMatchObject({ change: 'narrower', signers: ['ben'] })
    const solver = (await processesOf(instance))['solver-compare'] ?? 0
    expect(solver).toBeGreaterThan(1)
    process.kill(solver, 'SIGKILL') // the next proof is another's
    await edit('agents/client.yaml', agentOf('/one'))
    await signBy('aiko')
    expect(await reload()).toMatchObject({ change: 'narrower', signers: ['aiko'] })
  })

  test('what was changed while the platform did not run must be signed all the same', async () => {
    const operators = await readFile(join(instance.home, 'policy/operators.yaml'), 'utf8')
    await instance.stop()
    await rm(join(instance.home, 'policy/operators.yaml'))
    const platform = await startPlatform({ home: instance.home, agents: {}, secrets: {} })
    try {
      expect(platform.said()).toMatch(/^ {2}REFUSED +policy .* none of aiko, ben\n +hint: one /m)
      await edit('operators.yaml', operators)
      expect(await reload()).toMatchObject({ generation: 1, change: 'equal', signers: ['aiko'] })
    } finally {
      await platform.stop()
    }
  })
})
