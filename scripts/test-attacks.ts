/**
 * `npm run test:attacks [-- --mutate [--only TEXT]…]`: attacks on the gate, on the wire; with
 * `--mutate` each mechanism is switched off in a copy of the sources, to see that its attacks turn
 * red while what is allowed still passes. Needs root. Exit code 1 when an attack went through, or
 * a mechanism was not missed.
 */
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { MutableCopy, type Run } from '../packages/sekisho/test/attacks/mutate.ts'
import { MUTATIONS } from '../packages/sekisho/test/attacks/mutations/all.ts'
import type { Mutation } from '../packages/sekisho/test/attacks/mutations/mutation.ts'

/** Each takes a processor of its own. */
const AT_ONCE = 2

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const { values } = parseArgs({
  options: {
    mutate: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
  },
})
process.exitCode = values.mutate ? await mutateAll(chosen(values.only)) : attack()

function attack(): number {
  const runner = join(root, 'scripts/run-checks.ts')
  return spawnSync(process.execPath, [runner, 'attacks'], { stdio: 'inherit' }).status ?? 1
}

function chosen(only: readonly string[]): readonly Mutation[] {
  if (only.length === 0) return MUTATIONS
  return MUTATIONS.filter(({ family, off }) =>
    only.some((text) => `${family} ${off}`.includes(text)),
  )
}

type Score = {
  missed: number
  survivors: string[]
  /** attacks by family, and those that no mechanism's absence has turned red so far */
  unseen: Map<string, Set<string>>
  attacks: number
}

async function mutateAll(mutations: readonly Mutation[]): Promise<number> {
  const score: Score = { missed: 0, survivors: [], unseen: new Map(), attacks: 0 }
  const waiting = [...mutations]
  const families = [...new Set(mutations.map(({ family }) => family))]
  const copies = Array.from({ length: AT_ONCE }, () => new MutableCopy(root))
  try {
    await Promise.all(
      copies.map((copy) => drain(families, (family) => measure(copy, family, score))),
    )
    if (score.survivors.length > 0) return 1
    await Promise.all(copies.map((copy) => drain(waiting, (next) => judge(copy, next, score))))
  } finally {
    for (const copy of copies) copy.remove()
  }
  tellScore(score)
  return score.missed > 0 && score.survivors.length === 0 ? 0 : 1
}

async function drain<T>(queue: T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) await work(next)
}

/** A family that is not green to begin with proves nothing. */
async function measure(copy: MutableCopy, family: string, score: Score): Promise<void> {
  const { red, green, broken } = await copy.run(family)
  score.unseen.set(family, new Set(green))
  score.attacks += green.length
  for (const name of [...red, ...broken]) fail(score, `${family} with all its mechanisms: ${name}`)
  say(`${family}: ${green.length} attacks denied`)
}

async function judge(copy: MutableCopy, mutation: Mutation, score: Score): Promise<void> {
  const { family, off } = mutation
  const what = `${family} without “${off}”`
  let run: Run
  try {
    run = await copy.without(mutation)
  } catch (error) {
    return fail(score, `${what}: ${String(error)}`)
  }
  const [lost] = run.broken
  if (lost !== undefined) return fail(score, `${what}: more broke than that: ${lost}`)
  if (run.red.length === 0) return fail(score, `${what}: all ${run.green.length} still denied`)
  for (const name of run.red) score.unseen.get(family)?.delete(name)
  score.missed += 1
  say(`${what}: ${run.red.length} of ${run.red.length + run.green.length} red`)
}

function fail(score: Score, what: string): void {
  score.survivors.push(what)
  say(`NOT PROVED  ${what}`)
}

function tellScore({ missed, survivors, unseen, attacks }: Score): void {
  const left = [...unseen].flatMap(([family, names]) =>
    [...names].map((name) => `${family}: ${name}`),
  )
  for (const name of left) say(`never red  ${name}`)
  for (const what of survivors) say(`not proved  ${what}`)
  say(`mutation score: ${missed} of ${missed + survivors.length}`)
  say(`attacks seen red: ${attacks - left.length} of ${attacks}`)
}

function say(line: string): void {
  process.stdout.write(`${line.replaceAll(/\s+/g, ' ')}\n`)
}
