import { posix } from 'node:path'
import * as z from 'zod'
import { parseJson } from '../../core/parse-json.ts'
import { SekishoError } from '../../core/error.ts'
import type { OciMount, OciSpec } from '../oci-types.ts'
import { type Ground, STATE } from './runsc-enter.ts'

/** Directory in the bundle for all that is runsc's. */
export const RUNSC_DIRECTORY = 'runsc'
/** The annotation that carries what is set up before runsc sees the bundle. */
const GROUND = 'dev.sekisho.ground'

const path = z.string().startsWith('/')
const Grounded = z.object({
  idBase: z.int().min(1),
  idCount: z.int().min(1),
  network: path,
  root: path,
  emptied: z.array(path),
  points: z.array(z.object({ at: path, source: path })),
})

/**
 * A decoy is a file that trips a wire when it is opened, over one in the root that does too. To
 * mount it, runsc opens what it is mounted on: that has to be a file of no meaning.
 */
const DECOYS = '/var/lib/'

/**
 * The one bundle, for runsc.
 *
 * Debian's runsc cannot start a sandbox with the host's network in a user namespace of its own: it
 * enters as an id that the namespace does not map. So the whole of runsc is started inside the
 * session's namespaces (`enterAsSession`), which are therefore not in the bundle.
 *
 * @throws SekishoError INTERNAL for a spec without the namespaces of a session
 */
export function adaptForSentry(spec: OciSpec): object {
  const mounts = spec.mounts.filter((mount) => !isInProc(mount))
  return {
    ...spec,
    // read-only on the host; runsc, which has not the right to make it so, is not asked to
    root: { path: `${RUNSC_DIRECTORY}/${STATE.root}`, readonly: false },
    mounts,
    annotations: { [GROUND]: JSON.stringify(groundOf(spec, mounts)) },
    linux: {
      namespaces: spec.linux.namespaces.filter(({ type }) => type !== 'user' && type !== 'network'),
      seccomp: adaptFilter(spec.linux.seccomp),
    },
  }
}

function groundOf({ root, linux }: OciSpec, mounts: readonly OciMount[]): Ground {
  const { namespaces, uidMappings, gidMappings } = linux
  const network = namespaces.find(({ type }) => type === 'network')?.path
  const [ids, ...more] = uidMappings
  const isOneBlock = more.length === 0 && JSON.stringify(gidMappings) === JSON.stringify([ids])
  if (network === undefined || ids?.containerID !== 0 || !isOneBlock) {
    throw new SekishoError('INTERNAL', 'a session has one block of ids and one network')
  }
  const tmpfs = mounts.filter(({ type }) => type === 'tmpfs').map(({ destination }) => destination)
  const covered = (at: string): string | undefined =>
    tmpfs.find((place) => at.startsWith(`${place}/`)) ??
    (at.startsWith(DECOYS) ? posix.dirname(at) : undefined)
  const points = mounts.filter((mount) => isBind(mount) && covered(mount.destination) !== undefined)
  return {
    idBase: ids.hostID,
    idCount: ids.size,
    network,
    root: root.path,
    emptied: [...new Set(points.flatMap(({ destination }) => covered(destination) ?? []))],
    points: points.map(({ destination, source }) => ({ at: destination, source })),
  }
}

/** @throws SekishoError INTERNAL for a config.json that {@link adaptForSentry} did not make */
export function readGround(config: string): Ground {
  const annotated = z.object({ annotations: z.object({ [GROUND]: z.string() }) })
  const text = annotated.safeParse(parseJson(config)).data?.annotations[GROUND]
  const ground = Grounded.safeParse(text === undefined ? undefined : parseJson(text))
  if (ground.success) return ground.data
  throw new SekishoError('INTERNAL', 'this bundle is not for runsc', { cause: ground.error })
}

/** The sentry's own /proc shows nothing of the host's, and has no place for a decoy. */
function isInProc({ destination }: OciMount): boolean {
  return destination.startsWith('/proc/')
}

function isBind({ options }: OciMount): boolean {
  return options.includes('bind') || options.includes('rbind')
}

type Filter = OciSpec['linux']['seccomp']

/**
 * The same list, inside the sentry, which keeps it for the guest's calls.
 *
 * It knows no notification: what would be recorded is refused in silence. Its errors are EPERM
 * whatever the profile says, and a program falls back (`clone3`) only on ENOSYS; a call that is to
 * be traced while nobody traces fails with that, in the sentry as in Linux (seccomp(2)).
 */
function adaptFilter({ syscalls }: Filter): object {
  return {
    defaultAction: 'SCMP_ACT_TRACE',
    syscalls: syscalls.map(({ names, action, args }) => ({
      names,
      action: action === 'SCMP_ACT_ALLOW' ? action : 'SCMP_ACT_ERRNO',
      ...(args === undefined ? {} : { args }),
    })),
  }
}
