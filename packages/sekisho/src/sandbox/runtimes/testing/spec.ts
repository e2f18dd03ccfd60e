import type { OciSpec } from '../../oci-types.ts'
import { seccompProfile } from '../../seccomp.ts'

const IDS = [{ containerID: 0, hostID: 1_879_048_192, size: 65_536 }]
const bind = (source: string, destination: string): OciSpec['mounts'][number] => ({
  source,
  destination,
  type: 'none',
  options: ['bind'],
})
const tmpfs = (destination: string): OciSpec['mounts'][number] => ({
  source: 'tmpfs',
  destination,
  type: 'tmpfs',
  options: [],
})

/** One of everything that a runtime may want otherwise. */
export const SPEC: OciSpec = {
  ociVersion: '1.0.0',
  process: {
    terminal: false,
    args: ['true'],
    env: [],
    cwd: '/',
    rlimits: [],
    oomScoreAdj: 500,
    user: { uid: 1000, gid: 1000, umask: 0o022, additionalGids: [] },
    capabilities: { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] },
    noNewPrivileges: true,
  },
  root: { path: '/rootfs', readonly: true },
  hostname: 'sekisho',
  mounts: [
    [tmpfs('/dev'), bind('/s/shm', '/dev/shm'), bind('/usr', '/usr'), tmpfs('/mnt')],
    [bind('/s/a', '/mnt/a'), bind('/s/b', '/mnt/b/c'), bind('/d', '/var/lib/x/log')],
    [bind('/d', '/proc/kcore')],
  ].flat(),
  annotations: { 'run.oci.seccomp_bpf_data': 'AAAA' },
  linux: {
    namespaces: [{ type: 'pid' }, { type: 'user' }, { type: 'network', path: '/proc/1/ns/net' }],
    uidMappings: IDS,
    gidMappings: IDS,
    maskedPaths: ['/proc/keys'],
    readonlyPaths: ['/proc/sys'],
    seccomp: seccompProfile({ notify: true, listenerPath: '/l', metadata: 's-1' }),
  },
}
