import { readFileSync, realpathSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import { leavesOf } from './containment-log.ts'
import { type Ended, type Instance, openInstance, run } from './instance.ts'

const ROOT = resolve(import.meta.dirname, '../../../..')
const INSIDE = join(ROOT, 'packages/sekisho/src/sandbox/battery/inside')
const LIMITS = { memoryBytes: 512 * 2 ** 20, pids: 64, openFiles: 256, tmpInodes: 400 }

/**
 * The battery of `npm run test:sandbox`, in a session that the whole platform has made: its parts
 * are attached to a sandbox that stood already. Not held there, and why that is right:
 */
const EXPLAINED = {
  'identity.machine-id': 'derived from the session’s id, which the battery is not told',
  'identity.working-directory-of-init': 'init is older than the session and stays in /',
  'file.root-home': 'it lists tripwires',
  'kernel.kernel-addresses': 'a tripwire: not to be opened at all',
  'reach.interfaces': 'the network to the gate',
}

const Finding = z.object({ id: z.string(), held: z.boolean().nullable() })

let instance: Instance
let ended: Ended
beforeAll(async () => {
  const modules = join(ROOT, 'node_modules')
  const tools = [
    [INSIDE, 'inside'],
    [dirname(realpathSync(process.execPath)), 'bin'],
    [join(modules, 'koffi'), 'lib/node_modules/koffi'],
    [join(modules, '@koromix'), 'lib/node_modules/@koromix'],
  ]
  const agent = {
    version: 1,
    name: 'battery',
    presets: 'none',
    mounts: tools.map(([source, name]) => ({ source, target: `/opt/battery/${name}` })),
    limits: { memory: '512MiB', pids: 64, openFiles: 256, tmp: '8MiB', tmpInodes: 400 },
    containment: { onEscape: 'record' },
  }
  instance = await openInstance({ agents: { battery: agent } })
  const shown = await run(instance, ['env', '-0'], { flags: ['--agent', 'battery'] })
  const environment = shown.stdout.split('\0').flatMap((line) => line.split('=')[0] || [])
  const given = JSON.stringify({ ...GIVEN, environment })
  ended = await run(
    instance,
    ['/opt/battery/bin/node', '--no-warnings', '/opt/battery/inside/main.ts', given],
    { flags: ['--agent', 'battery'] },
  )
})
afterAll(async () => instance?.close())

const GIVEN = {
  hostKernel: true,
  hostname: 'sekisho',
  machineId: '',
  bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
  oomFloor: 0,
  limits: { ...LIMITS, tmpBytes: 8 * 2 ** 20 },
  canary: {
    port: 9,
    addresses: ['127.0.0.1'],
    word: 'battery',
    abstractSocket: 'sekisho-battery-none',
    sockets: [join(ROOT, 'none.sock')],
    files: [join(ROOT, 'package.json')],
    ipcKey: 0x5e00_0000,
    queue: '/sekisho-battery-none',
  },
}

test('every probe holds in a session, but for what is explained', () => {
  const findings = ended.stdout.split('\n').flatMap((line) => {
    const finding = line.startsWith('{') ? Finding.safeParse(JSON.parse(line)).data : undefined
    return finding === undefined ? [] : [finding]
  })
  expect(findings.length, ended.stderr).toBeGreaterThan(400)
  const open = findings.filter(({ held }) => held !== true).map(({ id }) => id)
  expect(open.toSorted()).toEqual(Object.keys(EXPLAINED).toSorted())
  // the last takes all of its memory, of which the session ends, sooner or later
  expect(ended.stdout.trim().split('\n').at(-1)).toMatch(
    /^\{"(begins":"limit.memory"|done":\d+)\}$/,
  )
})

test('and the refusals are in its log', async () => {
  const leaves = await leavesOf(instance, 'battery', 1)
  const refused = leaves.flatMap(({ action }) => {
    const call = z.object({ syscall: z.string() }).safeParse(action)
    return call.success ? [call.data.syscall] : []
  })
  expect(EACH.filter((call) => !refused.includes(call))).toEqual([])
  const End = z.looseObject({ counters: z.looseObject({ 'supervisor.denied': z.number() }) })
  expect(End.parse(leaves.at(-1)).counters['supervisor.denied']).toBeGreaterThan(150)
})

/** Of each kind that the list refuses on record: the first is recorded whatever the rate. */
const EACH = `mount move_mount unshare setns clone ptrace process_vm_readv bpf keyctl add_key
  io_uring_setup open_by_handle_at init_module kexec_load socket memfd_create ioctl personality`.split(
  /\s+/,
)
