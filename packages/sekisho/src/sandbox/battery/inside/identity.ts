import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { call } from './native.ts'
import { fact, ofHost, type Probe, type Probes, throws } from './probe.ts'

const AGENT = 1000
const IDS_PER_SESSION = 65_536
const SYS_PRCTL = 157
const PR_GET_NO_NEW_PRIVS = 39

const status = (field: string): string =>
  new RegExp(`^${field}:[ \\t]*(.*)$`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ??
  ''
const is = (found: unknown, wanted: unknown): string | undefined =>
  String(found) === String(wanted) ? undefined : `${String(found)}, not ${String(wanted)}`

/** Container root is a host id that nobody else has, and no more ids than the session's own. */
const ownIds = (file: string): Probe =>
  fact(({ hostKernel }) => {
    const text = readFileSync(`/proc/self/${file}`, 'utf8').trim()
    const [inside, outside = 0, size] = text.split(/\s+/).map(Number)
    const isOwn = inside === 0 && size === IDS_PER_SESSION && !text.includes('\n')
    // a kernel of the sandbox's own maps its own ids to themselves
    return !hostKernel || (isOwn && outside >= IDS_PER_SESSION) ? undefined : text
  })

export const identity: Probes = {
  'uid-map': ownIds('uid_map'),
  'gid-map': ownIds('gid_map'),
  'user-id': fact(() => is(status('Uid'), [AGENT, AGENT, AGENT, AGENT].join('\t'))),
  'group-id': fact(() => is(status('Gid'), [AGENT, AGENT, AGENT, AGENT].join('\t'))),
  groups: fact(() => {
    const more = status('Groups')
      .split(/\s+/)
      .filter((id) => id !== '' && id !== String(AGENT))
    return more.length === 0 ? undefined : more.join()
  }),
  umask: fact(() => is(process.umask().toString(8), '22')),
  ...Object.fromEntries(
    ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb'].map((set) => [
      `capabilities-${set.toLowerCase()}`,
      fact(({ hostKernel }) => {
        const held = status(`Cap${set}`)
        return /^0+$/.test(held) || (!hostKernel && held === '') ? undefined : held
      }),
    ]),
  ),
  'no-new-privileges': fact(() => is(call(SYS_PRCTL, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1)),
  'seccomp-filter': fact(({ hostKernel }) => (hostKernel ? is(status('Seccomp'), 2) : undefined)),
  hostname: fact((given) => is(hostname(), given.hostname)),
  'domain-name': fact(() => {
    if (!existsSync('/proc/sys/kernel/domainname')) return undefined
    const name = readFileSync('/proc/sys/kernel/domainname', 'utf8').trim()
    return name === '(none)' || name === '' ? undefined : name
  }),
  'machine-id': fact((given) =>
    is(readFileSync('/etc/machine-id', 'utf8').trim(), given.machineId),
  ),
  'boot-id': fact((given) => {
    if (!existsSync('/proc/sys/kernel/random/boot_id')) return undefined
    const id = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return id === given.bootId ? 'the host’s own' : undefined
  }),
  environment: fact((given) => {
    const names = readFileSync('/proc/self/environ', 'utf8')
      .split('\0')
      .map((line) => line.split('=')[0] ?? '')
      .filter((name) => name !== '')
    return is(names.sort().join(), [...given.environment].sort().join())
  }),
  'working-directory': fact(() => is(readlinkSync('/proc/self/cwd'), '/workspace')),
  'working-directory-of-init': ofHost(fact(() => is(readlinkSync('/proc/1/cwd'), '/workspace'))),
  'inherited-descriptors': fact(() => {
    const more = readdirSync('/proc/1/fd').filter((fd) => Number(fd) > 2)
    return more.length === 0 ? undefined : more.map((fd) => readlinkSync(`/proc/1/fd/${fd}`)).join()
  }),
  'first-process': fact(() => is(readFileSync('/proc/1/comm', 'utf8').trim(), 'init')),
  'processes-of-others': fact(() => {
    const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
    return all.length <= 3 ? undefined : `${all.length} processes`
  }),
  cgroup: fact(() => {
    const shown = readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n')
    const outside = shown.filter((line) => line !== '' && !line.endsWith(':/'))
    return outside.length === 0 ? undefined : outside[0]
  }),
  'oom-score': ofHost(fact(() => is(readFileSync('/proc/self/oom_score_adj', 'utf8').trim(), 500))),
  'oom-score-lower': ofHost(
    throws(({ oomFloor }) => writeFileSync('/proc/self/oom_score_adj', String(oomFloor - 1))),
  ),
}
