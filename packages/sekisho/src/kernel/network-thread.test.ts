import { readdirSync, readlinkSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { openNetworkThread } from './network-thread.ts'
import * as inside from './testing/network.ts'

const OWN = '/proc/thread-self/ns/net'
const openFds = (): number => readdirSync('/proc/self/fd').length

test('a network that the thread makes is ours, and this thread stays where it is', async () => {
  const home = readlinkSync(OWN)
  const thread = await openNetworkThread()
  onTestFinished(() => thread.close())
  expect(await thread.probe()).toEqual([])
  const network = await thread.create()
  const { dialled } = await inside.hearConnections(network)
  await inside.runInside(network.agentNsFd, 'dial 192.0.2.1 81')
  expect(dialled).toEqual([{ address: '::ffff:192.0.2.1', port: 81 }])
  expect(readlinkSync(OWN)).toBe(home)
  await network.close()
})

test('what it has made outlives it, and leaves no descriptor behind', async () => {
  const before = openFds()
  const thread = await openNetworkThread()
  const networks = await Promise.all([thread.create(), thread.create()])
  await thread.close()
  await expect(thread.create()).rejects.toMatchObject({ code: 'SANDBOX_FAILED' })
  const [first] = networks
  expect(await inside.runInside(first.agentNsFd, 'cat /proc/net/dev | grep -c eth0')).toEqual(['1'])
  for (const network of networks) await network.close()
  await expect.poll(openFds).toBe(before)
})
