import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { FakeKeyholder } from '../../src/gate/testing/keyholder.ts'
import type { PolicyRule } from '../../src/wire/policy.ts'
import { type Leaked, Outside } from './outside.ts'
import { PATIENCE_MS, Wire, type WireOptions } from './wire.ts'

export const HOST = 'api.example.com'
/** allowed too */
export const OTHER = 'other.example.com'
/** allowed by no rule */
export const EVIL = 'evil.example.com'

/** Public addresses, so that only a gate that means to goes there. */
const ADDRESSES = { [HOST]: '93.184.216.34', [OTHER]: '93.184.216.35', [EVIL]: '93.184.216.66' }

/** A session behind a real gate, with everything outside of it played by this process. */
export type World = { wire: Wire; outside: Outside }

export type Attack = {
  /** what the agent does, as a sentence */
  name: string
  /** does it, and resolves to what the agent was told: see {@link told} */
  run: (world: World) => Promise<string>
  /** an HTTP status, which comes with the rule that denied it; or the whole of it */
  told: number | string
  rule: string
  /**
   * All that the log has to say of it, where that is not one denial by `rule`: the verdict and
   * rules of each intent, then each outcome that is no performance. Names allowed are left out.
   */
  record?: readonly string[]
  /**
   * Names that the gate resolves before it denies: only where the rule lets the name be asked for,
   * and what is wrong is the answer. Each is asked for at least once, and nothing else is.
   */
  asked?: readonly string[]
  /** requests that do arrive, where the attack hides behind something allowed; elsewhere no byte */
  arrived?: readonly string[]
  /** how often each is recorded is a matter of time: only what is, counts */
  isFlood?: boolean
  /** connections that are allowed and opened, and on which no byte may leave */
  opened?: number
  /** of what is said where no HTTP is spoken, the part that could leave before the rest was stopped */
  heard?: string
}

/** What the same mechanism must let pass: a gate that denies everything would pass every attack. */
export type Control = { name: string; run: (world: World) => Promise<void> }

export type Family = WireOptions & {
  rules?: PolicyRule[]
  /** plays the world outside before anything happens */
  prepare?: (world: World) => void
  controls: readonly Control[]
  attacks: readonly Attack[]
}

/** Declares the tests of one family of attacks. One gate and one session serve all of them. */
export function testFamily({ rules, prepare, controls, attacks, ...options }: Family): void {
  let world: World
  beforeAll(async () => {
    const outside = await Outside.open()
    for (const [name, address] of Object.entries(ADDRESSES)) {
      outside.zone.answers.set(name, [address])
    }
    const granted = rules ?? [allow(HOST), allow(OTHER)]
    world = { wire: await Wire.open({ rules: granted, ...options }), outside }
    prepare?.(world)
  })
  afterAll(async () => {
    await world.wire.close()
    world.outside.close()
  })
  // not `test.for`, which cuts names short
  for (const { name, run } of controls) test(`allowed: ${name}`, () => run(world))
  for (const attack of attacks) {
    test(`${attack.name}: denied, recorded, nothing leaves`, () => judge(attack, world))
  }
}

async function judge(attack: Attack, world: World): Promise<void> {
  const { keyholder } = world.wire
  const expected = expectationOf(attack)
  const before = marks(world)
  const told = await attack.run(world)
  const recorded = (): string[] => recordedSince(keyholder, before)
  await untilRecorded(keyholder, () => recorded().length >= expected.recorded.length)
  for (let turn = 0; turn < 3; turn++) await nextTurn() // what is on its way arrives
  const left = leakedSince(world.outside.leaked, before.leaked)
  expect({
    told,
    recorded: attack.isFlood === true ? [...new Set(recorded())] : recorded(),
    left: hidesBehindAllowed(attack) ? expected.left : left,
    arrived: requestsSince(world, before.requests),
    heard: world.outside.heard.slice(before.heard),
  }).toEqual(expected)
}

type Expectation = {
  told: string
  recorded: readonly string[]
  left: Leaked
  arrived: readonly string[]
  heard: string
}

function expectationOf(attack: Attack): Expectation {
  const { rule, told, record = [`deny ${rule}`], asked = [], opened = 0 } = attack
  return {
    told: typeof told === 'number' ? `${told} ${rule}` : told,
    recorded: record,
    left: { opened, connections: opened, bytes: 0, asked },
    arrived: attack.arrived ?? [],
    heard: attack.heard ?? '',
  }
}

/** Then bytes leave, and it is what they say that counts. */
function hidesBehindAllowed({ arrived, heard }: Attack): boolean {
  return arrived !== undefined || heard !== undefined
}

type Marks = {
  intents: number
  outcomes: number
  requests: number
  heard: number
  leaked: Leaked
}

function marks({ wire, outside }: World): Marks {
  const { keyholder } = wire
  return {
    intents: keyholder.intents().length,
    outcomes: keyholder.outcomes().length,
    requests: outside.requests.length,
    heard: outside.heard.length,
    leaked: outside.leaked,
  }
}

function recordedSince(keyholder: FakeKeyholder, from: Marks): string[] {
  const verdicts = keyholder
    .intents()
    .slice(from.intents)
    .filter(({ action, verdict }) => action.kind !== 'dns.resolve' || verdict.kind !== 'allow')
    .map(({ verdict }) => `${verdict.kind} ${verdict.rules.join()}`)
  const ends = keyholder
    .outcomes()
    .slice(from.outcomes)
    .map(({ outcome }) => outcome)
    .flatMap((outcome) => {
      if (outcome.kind === 'performed') return []
      return `${outcome.kind} ${outcome.kind === 'refused' ? outcome.rules.join() : outcome.code}`
    })
  return [...verdicts, ...ends]
}

function requestsSince({ outside }: World, from: number): string[] {
  return outside.requests.slice(from).map(({ method, host, url }) => `${method} ${host}${url}`)
}

/** A denial that answers nobody is recorded a moment after the client sees its end. */
async function untilRecorded(keyholder: FakeKeyholder, isSo: () => boolean): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, PATIENCE_MS)
  })
  await Promise.race([keyholder.until(isSo), late])
  clearTimeout(timer)
}

function leakedSince(now: Leaked, before: Leaked): Leaked {
  return {
    opened: now.opened - before.opened,
    connections: now.connections - before.connections,
    bytes: now.bytes - before.bytes,
    asked: [...new Set(now.asked.slice(before.asked.length))],
  }
}

/** A rule that opens a whole host over https, unless it is told otherwise. */
export function allow(host: string, over: Partial<PolicyRule> = {}): PolicyRule {
  return {
    id: host,
    effect: 'allow',
    scheme: 'https',
    host,
    port: 443,
    methods: [],
    paths: [],
    ...over,
  }
}

/** A request's head with the lines given, closing after its reply. */
export function head(line: string, ...fields: string[]): string {
  return `${[`${line} HTTP/1.1`, ...fields, 'Connection: close'].join('\r\n')}\r\n\r\n`
}

export function get(path: string, ...fields: string[]): string {
  return head(`GET ${path}`, `Host: ${HOST}`, ...fields)
}

export function post(path: string, body: string | Buffer, ...fields: string[]): string {
  const bytes = typeof body === 'string' ? Buffer.from(body, 'latin1') : body
  const length = `Content-Length: ${bytes.length}`
  return head(`POST ${path}`, `Host: ${HOST}`, ...fields, length) + bytes.toString('latin1')
}

/** Rows of one kind: what the agent does, and the bytes that it does it with. */
export function each(
  {
    via = overTls,
    ...same
  }: Omit<Attack, 'name' | 'run'> & { via?: (sent: Sent) => Attack['run'] },
  rows: Readonly<Record<string, Sent>>,
): Attack[] {
  return Object.entries(rows).map(([name, sent]) => ({ ...same, name, run: via(sent) }))
}

export type Sent = string | Buffer | readonly (string | Buffer)[]

/** Bytes as they are inside TLS to a name, as a client that is otherwise well behaved. */
export function overTls(sent: Sent, name = HOST): Attack['run'] {
  return async (world) => {
    const socket = world.wire.dial(await world.wire.lookUp(name), 443)
    const secure = await world.wire.secure(socket, { servername: name })
    return told(await world.wire.talk(secure, listOf(sent)))
  }
}

/** Bytes as they are to a port of a name. */
export function overTcp(sent: Sent, { name = HOST, port = 80 } = {}): Attack['run'] {
  return async (world) => {
    const socket = world.wire.dial(await world.wire.lookUp(name), port)
    return told(await world.wire.talk(socket, listOf(sent)))
  }
}

/** A connection to an address that no name was asked for. */
export function dialling(address: string, port: number, sent: Sent = ''): Attack['run'] {
  return async ({ wire }) => told(await wire.talk(wire.dial(address, port), listOf(sent)))
}

function listOf(sent: Sent): readonly (string | Buffer)[] {
  return typeof sent === 'string' || Buffer.isBuffer(sent) ? [sent] : sent
}

/**
 * What an agent learns from the bytes that came back: `reset` for none; of each HTTP reply its
 * status, with the rule that denied it.
 */
export function told(reply: string): string {
  if (reply === '') return 'reset'
  const heads = reply.split(/(?=HTTP\/1\.1 \d{3} )/).map((text) => {
    const status = /^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1] ?? 'no HTTP'
    const rule = /\r\nx-sekisho-rule: (.*)\r\n/i.exec(text)?.[1]
    return rule === undefined ? status : `${status} ${rule}`
  })
  return heads.join('; ')
}

/** One GET or POST that has to arrive outside. */
export function arrives(
  name: string,
  request: Sent = get('/public/control'),
  host = HOST,
): Control {
  return {
    name,
    run: async (world) => {
      const before = world.outside.leaked
      const count = world.outside.requests.length
      expect(await overTls(request, host)(world)).toBe('200')
      expect(world.outside.requests.slice(count).map((seen) => seen.host)).toEqual([host])
      const left = leakedSince(world.outside.leaked, before)
      expect(left.bytes).toBeGreaterThan(0)
    },
  }
}
