import { statSync } from 'node:fs'
import { supervisorToRoot } from '../wire/root.ts'
import { type HeldRootSettings, tpmPlace } from '../wire/root-settings.ts'
import { Child } from './child.ts'
import { UIDS } from './identities.ts'

/** What a provider needs beside code: PKCS#11 is somebody's library, a TPM a device or a socket. */
export function rootRights(settings: HeldRootSettings): {
  permissions: string[]
  environment: Record<string, string>
  group: number | undefined
} {
  if (settings.provider === 'passphrase') {
    return { permissions: [], environment: {}, group: undefined }
  }
  const { group } = settings
  if (settings.provider === 'pkcs11') {
    const permissions = ['--allow-addons', '--disable-warning=SecurityWarning']
    return { permissions, environment: settings.environment, group }
  }
  const { kind, path } = tpmPlace(settings)
  // a unix socket counts as network for Node; the network namespace is empty
  if (kind === 'socket') return { permissions: ['--allow-net'], environment: {}, group }
  return {
    permissions: [`--allow-fs-read=${path}`, `--allow-fs-write=${path}`],
    environment: {},
    group: group ?? groupOf(path),
  }
}

/** Debian's is `tss`, which may use the device. */
function groupOf(path: string): number | undefined {
  const gid = statSync(path, { throwIfNoEntry: false })?.gid
  return gid === 0 ? undefined : gid // a device of root’s own group is opened to nobody by that
}

/** There for one use; no network but the loopback of an empty namespace, no child processes. */
export function makeRoot(
  settings: HeldRootSettings,
  report: (line: string) => void,
): Child<typeof supervisorToRoot, Record<never, never>> {
  const { permissions, environment, group } = rootRights(settings)
  const kind = {
    name: 'root',
    entry: 'root-main.ts',
    uid: UIDS.root,
    ...(group === undefined ? {} : { gid: group }),
    permissions,
    argv: [],
    environment,
    network: 'none',
    out: supervisorToRoot,
    in: {},
    handlers: {},
  } as const
  return new Child(kind, { onUp: async () => undefined, report })
}
