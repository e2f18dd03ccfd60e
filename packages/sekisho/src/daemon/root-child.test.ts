import { expect, test } from 'vitest'
import { HeldRootSettings } from '../wire/root-settings.ts'
import { rootRights } from './root-child.ts'

test.for([
  [
    'with a passphrase: nothing but code',
    { provider: 'passphrase', passphrase: 'env:P' },
    { permissions: [], environment: {}, group: undefined },
  ],
  [
    'with a token: a library, its environment and the group of its device',
    {
      provider: 'pkcs11',
      module: '/usr/lib/module.so',
      token: 'root',
      pin: 'env:P',
      environment: { MODULE_CONF: '/etc/module.conf' },
      group: 4711,
    },
    {
      permissions: ['--allow-addons', '--disable-warning=SecurityWarning'],
      environment: { MODULE_CONF: '/etc/module.conf' },
      group: 4711,
    },
  ],
  [
    'with a TPM: its device',
    { provider: 'tpm2', group: 4711 },
    {
      permissions: ['--allow-fs-read=/dev/tpmrm0', '--allow-fs-write=/dev/tpmrm0'],
      environment: {},
      group: 4711,
    },
  ],
  [
    'with a device of root’s group: not that group',
    { provider: 'tpm2', device: '/dev/null' },
    {
      permissions: ['--allow-fs-read=/dev/null', '--allow-fs-write=/dev/null'],
      environment: {},
      group: undefined,
    },
  ],
  [
    'with an emulator: sockets, in an empty network namespace',
    { provider: 'tpm2', socket: '/run/tpm.sock' },
    { permissions: ['--allow-net'], environment: {}, group: undefined },
  ],
] as const)('%s', ([, settings, rights]) => {
  expect(rootRights(HeldRootSettings.parse(settings))).toEqual(rights)
})
