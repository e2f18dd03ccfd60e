import { readTunnel } from '../../../src/gate/proxy-target.ts'
import { compare, type Family, type Outcome, REFUSED } from '../family.ts'
import { EVIL, GOOD, hostText, portText, withStray } from '../spellings.ts'
import { readUrl } from '../whatwg.ts'

/** A line `Host\ntarget` of a CONNECT to the gate as a proxy: one name and port, as URL reads both. */
export const makeConnectFamily = (read: typeof readTunnel): Family => ({
  name: 'connect',
  generate: (random) => {
    const name = random.once(3) ? hostText(random) : GOOD
    const port = random.once(2) ? portText(random) : ':443'
    const target = random.once(4) ? withStray(random, name + port) : name + port
    const host = random.once(3)
      ? random.pick([name, `${EVIL}:443`, GOOD, hostText(random)])
      : target
    return `${host}\n${target}`
  },
  check: (input): Outcome => {
    const cut = input.indexOf('\n')
    const [host, target] = [input.slice(0, cut), input.slice(cut + 1)]
    const head = { method: 'CONNECT', target, httpVersion: '1.1', rawHeaders: ['Host', host] }
    const seen = read(head, PROXY)
    if (seen.kind === 'refused') return REFUSED
    const { host: name, port } = seen.action
    const ours = { host: name, port, hasUser: false }
    const byTarget = compare(ours, { ...withPort(target, port) })
    return byTarget.disagreement === undefined
      ? compare(ours, { ...withPort(host, port) })
      : byTarget
  },
})

const PROXY = {
  kind: 'net.connect',
  transport: 'tcp',
  address: '198.19.255.1',
  port: 3128,
  host: null,
} as const

export const connectFamily: Family = makeConnectFamily(readTunnel)

/** CONNECT knows no usual port: where URL knows one, it leaves it out, so both are asked. */
function withPort(authority: string, port: number): ReturnType<typeof readUrl> {
  const named = readUrl(`http://${authority}/`)
  const isUnnamed = !/:\d+$/.test(authority)
  return named === undefined || !isUnnamed ? named : { ...named, port }
}
