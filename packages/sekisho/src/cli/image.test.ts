import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { blobsOf, type TestImages, testImages } from '../sandbox/images/testing/images.ts'
import { api } from '../wire/api.ts'
import { Peer } from '../wire/peer.ts'
import { socketTransport } from '../wire/transport.ts'
import { image } from './image.ts'
import { said } from './testing/said.ts'

let home = ''
let images: TestImages
let daemon: net.Server | undefined
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'sekisho-cli-image-'))
  vi.stubEnv('SEKISHO_HOME', home)
  images = testImages()
})
afterEach(() => {
  vi.unstubAllEnvs()
  daemon?.close()
  daemon = undefined
  images.remove()
  rmSync(home, { recursive: true })
})

/** A daemon that records, or cannot. */
async function startDaemon(record: (leaf: unknown) => void): Promise<void> {
  mkdirSync(join(home, 'run'))
  daemon = net.createServer((socket) => {
    new Peer('client', socketTransport(socket), {
      out: {},
      in: { 'image.import': api['image.import'] },
      handlers: {
        'image.import': (leaf) => {
          record(leaf)
          return {}
        },
      },
    })
  })
  daemon.listen(join(home, 'run/api.sock'))
  await once(daemon, 'listening')
}

test('import, list, verify, rm: an image from its source to its end', async () => {
  const recorded: unknown[] = []
  await startDaemon((leaf) => recorded.push(leaf))
  const source = images.layout([images.root('mkfifo etc/fifo')])
  const digest = blobsOf(source)[0]?.digest ?? ''
  expect(await said(image, 'import', 'builder', source, '--digest', digest)).toEqual({
    code: 0,
    out: [
      'imported builder',
      `digest   ${digest}`,
      `in the agent file: rootfs: { image: builder, digest: "${digest}" }`,
    ],
    err: ['left out /etc/fifo'],
  })
  expect(recorded).toEqual([{ name: 'builder', digest, source }])
  expect((await said(image, 'list')).out).toEqual([`${digest}      2 MiB  builder`])
  expect(await said(image, 'verify', 'builder')).toEqual({
    code: 0,
    out: ['builder: whole'],
    err: [],
  })
  writeFileSync(join(home, 'state/images', digest.replace(':', '-'), 'root/etc/more'), '')
  expect(await said(image, 'verify', digest)).toEqual({
    code: 1,
    out: [`${digest}: differences: 1`],
    err: ['added    /etc/more'],
  })
  expect((await said(image, 'rm', 'builder')).out).toEqual([`removed  ${digest}  builder`])
  expect((await said(image, 'list', '--json')).out).toEqual(['{"images":[]}'])
})

test('without a daemon it is imported and says that it is in no log', async () => {
  const { code, err } = await said(image, 'import', 'alone', images.layout([images.root()]))
  expect([code, err]).toEqual([0, ['no daemon runs: the import is not in the log']])
})

test('a daemon that cannot record ends the import, and nothing is stored', async () => {
  await startDaemon(() => {
    throw new Error('the log cannot be written')
  })
  const source = images.layout([images.root()])
  await expect(said(image, 'import', 'x', source)).rejects.toThrow('the log cannot be written')
  expect((await said(image, 'list', '--json')).out).toEqual(['{"images":[]}'])
})

test.for([
  ['no action', [], 'USAGE'],
  ['another action', ['pull'], 'USAGE'],
  ['a name alone', ['import', 'x'], 'USAGE'],
  ['a source that is none', ['import', 'x', 'debian:12'], 'USAGE'],
  ['a name that is a path', ['import', '../x', 'oci:/x'], 'USAGE'],
  ['a layout that is not there', ['import', 'x', 'oci:/none/x'], 'USAGE'],
  ['an unknown image', ['rm', 'x'], 'IMAGE_UNKNOWN'],
  ['an unknown image', ['verify', 'x'], 'IMAGE_UNKNOWN'],
] as const)('%s is refused', async ([, argv, code]) => {
  await expect(said(image, ...argv)).rejects.toMatchObject({ code })
  expect(existsSync(join(home, 'state/images/names'))).toBe(false)
})
