import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toSekishoError } from '../../core/error.ts'
import { createReactor } from '../../kernel/reactor.ts'
import { nameCall } from '../../kernel/seccomp-notify.ts'
import { RUNTIMES } from '../runtimes/all.ts'
import type { Runtime } from '../runtimes/runtime.ts'
import { judge } from './judge.ts'
import { inertHere, type Mutation, mutationsOf } from './mutations.ts'
import {
  type BatteryOptions,
  BatteryOptionsShape,
  type BatteryReport,
  type Judged,
} from './report.ts'
import { type Running, runOnce } from './run-once.ts'
import { plantScene, type Scene } from './scene.ts'
import { openStage, type Stage } from './stage.ts'
import { ROOMY, SURROUNDINGS } from './surroundings.ts'

/** Mutated sandboxes at a time; each keeps less than one processor busy. */
const AT_ONCE = 2

/**
 * The process that stands in for the supervisor, in a mount and UTS namespace of its own that its
 * parent made: `battery-main.ts OPTIONS`, both ways as JSON (`report.ts`).
 */
async function main(options: BatteryOptions): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'sekisho-battery-'))
  chmodSync(directory, 0o711) // the sandboxes' roots pass through
  try {
    const scene = await plantScene(directory)
    try {
      await onStage(options, { directory, scene })
    } finally {
      await scene.close()
    }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

type Ground = { directory: string; scene: Scene }

async function onStage(options: BatteryOptions, { directory, scene }: Ground): Promise<void> {
  const runtime = RUNTIMES.find(({ name }) => name === options.runtime) ?? fail(options.runtime)
  const stage = await openStage(directory, scene)
  const reactor = createReactor({
    onError: (error) => say({ kind: 'warning', text: toSekishoError(error, 'INTERNAL').message }),
  })
  try {
    await probe(runtime, stage)
    const running: Running = { runtime, reactor, scene }
    const whole = await once({ stage, running, slot: 0, mutation: undefined })
    say({ kind: 'whole', ...whole })
    if (options.mutate) await mutate(options, { stage, running, whole: whole.probes })
  } finally {
    reactor.close()
    stage.close()
  }
}

async function probe(runtime: Runtime, stage: Stage): Promise<void> {
  const berth = stage.berth({ slot: 0, hostKernel: true, around: ROOMY })
  try {
    await runtime.probe({
      spec: berth.spec,
      directory: join(berth.bundle, 'probe'),
      root: join(berth.bundle, 'state'),
    })
  } finally {
    berth.remove()
  }
}

type Turn = { stage: Stage; running: Running; slot: number; mutation: Mutation | undefined }

type Result = { probes: Judged[]; recorded: string[]; ms: number }

async function once(turn: Turn): Promise<Result> {
  const { stage, running, slot, mutation } = turn
  const hostKernel = running.runtime.isolation === 'standard'
  const berth = stage.berth({
    slot,
    hostKernel,
    around: mutation?.around ?? (hostKernel ? SURROUNDINGS : ROOMY),
  })
  const began = performance.now()
  try {
    const spec = mutation?.spec(berth.spec) ?? berth.spec
    const outcome = await runOnce(berth, spec, running)
    const probes = judge(outcome, { hostKernel })
    const recorded = namesOf(outcome.recorded)
    return { probes, recorded, ms: Math.round(performance.now() - began) }
  } finally {
    berth.remove()
  }
}

function namesOf(recorded: Iterable<string>): string[] {
  const numbers = [...recorded].map((call) => Number(call.split(',')[0]))
  return [...new Set(numbers.map((nr) => nameCall({ nr, abi: 'x86-64' })))].sort()
}

type Mutating = { stage: Stage; running: Running; whole: readonly Judged[] }

async function mutate({ only }: BatteryOptions, around: Mutating): Promise<void> {
  const { stage, running, whole } = around
  const example = stage.berth({ slot: 0, hostKernel: true, around: SURROUNDINGS })
  const isAsked = ({ id }: Mutation): boolean =>
    only.length === 0 || only.some((text) => id.includes(text))
  const mutations = mutationsOf(example.spec, running.scene).filter(isAsked)
  say({ kind: 'inert', paths: inertHere(example.spec) })
  example.remove()
  const failing = new Set(whole.filter(({ held }) => held === false).map(({ id }) => id))
  const work = async (slot: number): Promise<void> => {
    for (let next = mutations.shift(); next !== undefined; next = mutations.shift()) {
      const { probes, ms } = await once({ stage, running, slot, mutation: next })
      const seen = probes.filter(({ id, held }) => held === false && !failing.has(id))
      say({ kind: 'mutation', id: next.id, seen, ms })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, (_, slot) => work(slot)))
}

function say(report: BatteryReport): void {
  process.stdout.write(`${JSON.stringify(report)}\n`)
}

function fail(name: string): never {
  throw new Error(`no runtime ${name}`)
}

await main(BatteryOptionsShape.parse(JSON.parse(process.argv[2] ?? '{}')))
