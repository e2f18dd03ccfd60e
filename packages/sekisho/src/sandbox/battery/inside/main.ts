import { devices, hostFiles, hostSettings, nameTricks } from './files.ts'
import { entries } from './entries.ts'
import { identity } from './identity.ts'
import { kernelViews } from './kernel-views.ts'
import { limits } from './limits.ts'
import { mountTable, sizes } from './mount-table.ts'
import { privileges } from './privileges.ts'
import { codeOf, type Finding, type Given, type Probe } from './probe.ts'
import { reach } from './reach.ts'
import { refusedCalls, refusedRequests, refusedSockets } from './refused-calls.ts'
import { ordinaryWork } from './works.ts'

/**
 * The escape battery. It runs inside a sandbox, with nothing of the platform but this folder, and
 * tries to get out by every way it knows: one line of JSON for each attempt. The last is the one
 * that may end the sandbox. `node main.ts GIVEN`, where GIVEN is a `Given` as JSON.
 */
/** The host takes part in these, so it is told when they begin. */
const TOLD = ['limit.cpu', 'limit.memory']

const PROBES: readonly (readonly [string, Readonly<Record<string, Probe>>])[] = [
  // first, while nothing has been started yet
  ['identity', identity],
  ['call', refusedCalls],
  ['socket', refusedSockets],
  ['request', refusedRequests],
  ['entry', entries],
  ['file', hostFiles],
  ['setting', hostSettings],
  ['device', devices],
  ['name', nameTricks],
  ['kernel', kernelViews],
  ['mount', mountTable],
  ['size', sizes],
  ['reach', reach],
  ['privilege', privileges],
  ['work', ordinaryWork],
  ['limit', limits],
]

const given: Given = JSON.parse(process.argv[2] ?? '{}')
let tried = 0
for (const [group, probes] of PROBES) {
  for (const [name, probe] of Object.entries(probes)) await tryOut(`${group}.${name}`, probe)
}
say({ done: tried })

async function tryOut(id: string, probe: Probe): Promise<void> {
  if (TOLD.includes(id)) say({ begins: id })
  const { refused, ...finding } = await attempt(probe)
  const words = refused?.map((call) => call.map((word) => String(BigInt.asUintN(64, word))))
  say({ id, ...finding, ...(words === undefined ? {} : { refused: words }) })
  tried += 1
}

async function attempt(probe: Probe): Promise<Finding> {
  try {
    return await probe(given)
  } catch (error) {
    return { held: null, detail: codeOf(error) }
  }
}

function say(line: unknown): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
