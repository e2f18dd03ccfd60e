import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readSettings } from './settings.ts'

let bundle = ''
beforeEach(() => {
  bundle = mkdtempSync(join(tmpdir(), 'sekisho-settings-'))
})
afterEach(() => rmSync(bundle, { recursive: true }))

const path = (): string => join(bundle, 'platform.yaml')
const DEFAULTS = {
  version: 1,
  dnsServers: [],
  gates: 1,
  runtime: 'crun',
  readyBerths: 4,
  identity: { root: { provider: 'derived' } },
  exports: expect.objectContaining({ sinks: [] }),
  witnesses: { list: [], quorum: 1, every: 5000, lag: 60_000 },
}

test('a bundle without a file has the defaults', () => {
  expect(readSettings(bundle)).toEqual(DEFAULTS)
})

test('what the file says is taken, and the rest is the default', () => {
  writeFileSync(path(), 'version: 1\ngates: 2\ndnsServers: ["192.0.2.53", "192.0.2.54:5353"]\n')
  expect(readSettings(bundle)).toEqual({
    ...DEFAULTS,
    gates: 2,
    dnsServers: ['192.0.2.53', '192.0.2.54:5353'],
  })
})

test('settings cannot be changed once they are read', () => {
  expect(Object.isFrozen(readSettings(bundle))).toBe(true)
  writeFileSync(path(), 'version: 1\n')
  expect(Object.isFrozen(readSettings(bundle))).toBe(true)
})

test.for([
  ['a misspelt key', 'version: 1\ngate: 2\n', 'gate'],
  ['no version', 'gates: 2\n', 'version'],
  ['another version', 'version: 2\n', 'version'],
  ['no gate at all', 'version: 1\ngates: 0\n', 'gates'],
  ['too many gates', 'version: 1\ngates: 65\n', 'gates'],
  ['half a gate', 'version: 1\ngates: 1.5\n', 'gates'],
  ['fewer berths than none', 'version: 1\nreadyBerths: -1\n', 'readyBerths'],
  ['a resolver that is no text', 'version: 1\ndnsServers: [53]\n', 'dnsServers'],
  ['a key twice', 'version: 1\ngates: 1\ngates: 2\n', 'is not YAML'],
  ['what is no YAML', 'version: [1\n', 'is not YAML'],
  ['an alias', 'version: &one 1\ngates: *one\n', 'is not YAML'],
  ['nothing', '', 'expected object'],
  ['a root nobody knows', 'version: 1\nidentity: { root: { provider: floppy } }\n', 'provider'],
  [
    'a passphrase in the clear',
    'version: 1\nidentity: { root: { provider: passphrase, passphrase: hunter2hunter2 } }\n',
    'want env:NAME, file:/absolute/path or credential:NAME',
  ],
  [
    'a TPM in two places',
    'version: 1\nidentity: { root: { provider: tpm2, device: /dev/tpmrm0, socket: /run/tpm } }\n',
    'want a device or a socket, not both',
  ],
  [
    'a variable for the loader',
    'version: 1\nidentity: { root: { provider: pkcs11, module: /lib/m.so, token: t, pin: env:P, environment: { LD_PRELOAD: /x } } }\n',
    'are not the module’s',
  ],
] as const)('%s is refused, with the file to mend', ([, text, what]) => {
  writeFileSync(path(), text)
  expect(() => readSettings(bundle)).toThrow(
    expect.objectContaining({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(what),
      hint: `mend ${path()}`,
    }),
  )
})

test('a file that is there and cannot be read is no default', () => {
  mkdirSync(path())
  expect(() => readSettings(bundle)).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', message: `${path()} cannot be read` }),
  )
})
