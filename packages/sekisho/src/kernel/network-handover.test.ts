import { type ChildProcess, fork } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import * as inside from './testing/network.ts'
import { createNetwork, type SessionNetwork } from './network.ts'

const ANOTHER_USER = 61_002

/** A gate: another user without rights but to the network, which gets its sockets from us. */
const GATE = `
import { getuid } from 'node:process'
process.on('message', (kind, handle) => {
  if (kind === 'tcp') handle.on('connection', (socket) => {
    socket.on('error', () => {})
    socket.end(getuid() + ' hears ' + socket.localAddress + ' ' + socket.localPort + '\\n')
  })
  else handle.on('message', (question, { port, address }) => {
    handle.send(getuid() + ' answers ' + question, port, address)
  })
  process.send(kind)
})
`

test('listeners handed to another user’s process hear what was dialled', async () => {
  const gate = startGate()
  const network = createNetwork()
  onTestFinished(() => network.close())
  await handOver(network, gate)
  const answers = await inside.runInside(
    network.agentNsFd,
    `dial 93.184.216.34 443; dial 2606:2800:220:1:248:1893:25c8:1946 8443
     exec 3<>/dev/udp/198.19.255.1/53; printf question >&3; timeout 5 head -c 22 <&3`,
  )
  expect(answers).toEqual([
    '61002 hears ::ffff:93.184.216.34 443',
    '61002 hears 2606:2800:220:1:248:1893:25c8:1946 8443',
    '61002 answers question',
  ])
})

function startGate(): ChildProcess {
  const directory = mkdtempSync(join(tmpdir(), 'sekisho-gate-'))
  chmodSync(directory, 0o755)
  const file = join(directory, 'gate.mjs')
  writeFileSync(file, GATE)
  const gate = fork(file, {
    uid: ANOTHER_USER,
    gid: ANOTHER_USER,
    execArgv: ['--permission', '--allow-net', `--allow-fs-read=${directory}`],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  const exited = once(gate, 'exit')
  onTestFinished(async () => {
    gate.kill('SIGKILL')
    await exited
    rmSync(directory, { recursive: true })
  })
  return gate
}

/** Afterwards the gate alone holds the sockets. */
async function handOver(network: SessionNetwork, gate: ChildProcess): Promise<void> {
  const server = createServer().listen({ fd: network.release(network.tcpFd) })
  const resolver = createSocket('udp4')
  const listening = [once(server, 'listening'), once(resolver, 'listening')]
  resolver.bind({ fd: network.release(network.dnsFd) })
  await Promise.all(listening)
  gate.send('tcp', server)
  await once(gate, 'message')
  gate.send('dns', resolver)
  await once(gate, 'message')
  server.close()
  resolver.close()
}
