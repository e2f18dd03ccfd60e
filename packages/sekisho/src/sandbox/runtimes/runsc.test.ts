import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkVersion, choosePlatforms, readFlags, runsc } from './runsc.ts'
import { adaptForSentry, readGround } from './runsc-spec.ts'
import { SPEC } from './testing/spec.ts'

test('ids, network, root and mount points go beside the bundle, which names none of them', () => {
  const adapted = adaptForSentry(SPEC)
  expect(adapted).toMatchObject({
    root: { path: 'runsc/root', readonly: false },
    mounts: SPEC.mounts.slice(0, -1),
    linux: { namespaces: [{ type: 'pid' }] },
  })
  expect(JSON.stringify(adapted)).not.toMatch(/seccomp_bpf_data|uidMappings|listenerPath/)
  expect(readGround(JSON.stringify(adapted))).toEqual({
    idBase: 1_879_048_192,
    idCount: 65_536,
    network: '/proc/1/ns/net',
    root: '/rootfs',
    emptied: ['/dev', '/mnt', '/var/lib/x'],
    points: [
      { at: '/dev/shm', source: '/s/shm' },
      { at: '/mnt/a', source: '/s/a' },
      { at: '/mnt/b/c', source: '/s/b' },
      { at: '/var/lib/x/log', source: '/d' },
    ],
  })
})

test('what is not listed is ENOSYS there too, and what is recorded elsewhere is refused', () => {
  const adapted: { linux?: { seccomp?: unknown } } = adaptForSentry(SPEC)
  expect(adapted.linux?.seccomp).toEqual({
    defaultAction: 'SCMP_ACT_TRACE',
    syscalls: SPEC.linux.seccomp.syscalls.map(({ names, action, args }) => ({
      names,
      action: action === 'SCMP_ACT_ALLOW' ? 'SCMP_ACT_ALLOW' : 'SCMP_ACT_ERRNO',
      ...(args === undefined ? {} : { args }),
    })),
  })
})

test('no rule has two conditions on one argument, which the sentry would take as "or"', () => {
  const twice = SPEC.linux.seccomp.syscalls.filter(
    ({ args = [] }) => new Set(args.map(({ index }) => index)).size < args.length,
  )
  expect(twice).toEqual([])
})

test.for([
  ['without a network', { namespaces: [{ type: 'user' }] }],
  ['with ids that differ', { gidMappings: [{ containerID: 0, hostID: 5, size: 1 }] }],
  ['with no ids', { uidMappings: [], gidMappings: [] }],
  ['that maps another id first', { uidMappings: [{ containerID: 1, hostID: 5, size: 1 }] }],
] as const)('a spec %s is refused', ([, over]) => {
  expect(() => adaptForSentry({ ...SPEC, linux: { ...SPEC.linux, ...over } })).toThrow(/one block/)
})

test.for(['{}', '{"annotations":{"dev.sekisho.ground":"{}"}}', JSON.stringify(SPEC)])(
  'a bundle of another runtime is refused: %s',
  (config) => {
    expect(() => readGround(config)).toThrow('not for runsc')
  },
)

test('it is not used before it was tried on this machine', () => {
  const bundle = mkdtempSync(join(tmpdir(), 'sekisho-runsc-'))
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(adaptForSentry(SPEC)))
  const request = { id: 's-1', bundle, root: '/r', pidFile: '/p', consoleSocket: null }
  expect(() => runsc.command(request)).toThrow('not been tried')
  rmSync(bundle, { recursive: true })
})

const FLAGS = `  -ignore-cgroups
    \tdon't configure cgroups.
  -platform value
    \tspecifies which platform to use: systrap (default), ptrace, kvm.
  -net-raw runsc exec
    \tenable raw sockets. When false,
    \traw sockets are disabled.
`

test('flags are read with their descriptions', () => {
  const flags = readFlags(FLAGS)
  expect([...flags.keys()]).toEqual(['ignore-cgroups', 'platform', 'net-raw'])
  expect(flags.get('net-raw')).toContain('disabled')
})

test.for([
  ['ptrace (default), kvm.', false, ['ptrace']],
  ['ptrace (default), kvm.', true, ['kvm', 'ptrace']],
  ['systrap (default), ptrace, kvm.', true, ['systrap', 'kvm', 'ptrace']],
  ['something new', true, []],
] as const)('of %j, where anybody may use kvm: %s, %j are tried', ([text, kvm, want]) => {
  expect(choosePlatforms(text, kvm)).toEqual(want)
})

test('its version is whatever it says', () => {
  expect(checkVersion('runsc version release-20250101.0\nspec: 1.1.0')).toBe('release-20250101.0')
  expect(() => checkVersion('crun version 1.8.1')).toThrow('does not tell')
})
