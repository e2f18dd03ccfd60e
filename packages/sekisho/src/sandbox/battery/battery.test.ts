import { beforeAll, expect, test } from 'vitest'
import { RUNTIMES } from '../runtimes/all.ts'
import { RECORDED } from '../syscalls.ts'
import type { BatteryReport } from './report.ts'
import { runBattery } from './run-battery.ts'

type Whole = Extract<BatteryReport, { kind: 'whole' }>

/** What a kernel of the sandbox's own does not have, or does not show. */
const NOT_IN_SENTRY =
  /^(entry\.i386-|identity\.(oom-score|working-directory-of-init)|mount\.mounted-(nosuid-|nodev-|ro-root$)|(file\.sys|device\.device-fuse|limit\.processes|limit\.memory)$)/

test.for(RUNTIMES)(
  '$name: every way out is closed, and the host is as it was',
  async ({ name, isolation }) => {
    const reports: BatteryReport[] = []
    await runBattery({ runtime: name, mutate: false, only: [] }, (report) => reports.push(report))
    const whole = reports.find((report): report is Whole => report.kind === 'whole')
    const probes = whole?.probes ?? []
    expect(probes.length).toBeGreaterThan(400)
    expect(probes.filter(({ held }) => held === false)).toEqual([])
    const untried = probes.filter(({ held }) => held === null).map(({ id }) => id)
    const excused = isolation === 'strong' ? NOT_IN_SENTRY : /^$/
    expect(untried.filter((id) => !excused.test(id))).toEqual([])
    expect(reports.filter(({ kind }) => kind === 'warning')).toEqual([])
    if (isolation === 'strong') return
    const each = Object.values(RECORDED).flat()
    expect(each.filter((call) => !whole?.recorded.includes(call))).toEqual([])
  },
)

/** One of each kind; `npm run test:sandbox -- --mutate` takes away all of them. */
const EXAMPLES = [
  ['seccomp.refuse-keys: allowed', 'call.keyctl-session'],
  ['namespace.ipc', 'reach.shared-memory-of-host'],
  ['uidMappings.hostID: of the host', 'identity.uid-map'],
  ['maskedPaths./proc/keys', 'kernel.masked-keys'],
  ['readonlyPaths./proc/sys', 'kernel.read-only-sys'],
  ['mount./dev.noexec', 'mount.mounted-noexec-dev'],
  ['no-new-privileges', 'identity.no-new-privileges'],
  ['limit.processes', 'limit.processes'],
  ['mounts: a container engine’s socket', 'battery.host-undisturbed'],
] as const

const seenBy = new Map<string, string[]>()
beforeAll(async () => {
  const only = EXAMPLES.map(([id]) => id)
  await runBattery({ runtime: 'crun', mutate: true, only }, (report) => {
    if (report.kind === 'mutation') {
      seenBy.set(
        report.id,
        report.seen.map(({ id }) => id),
      )
    }
  })
})

test.for(EXAMPLES)('a sandbox without %s is seen by %s', ([id, probe]) => {
  expect(seenBy.get(id)).toContain(probe)
})
