import type { Family, Outcome } from './family.ts'
import { Random } from './random.ts'

export type Disagreement = { family: string; input: string; disagreement: string }

export type FamilyRun = {
  runs: number
  accepted: number
  disagreements: Disagreement[]
}

/** More of the same kind teach nothing. */
const MAX_DISAGREEMENTS = 20

/** @param until says before each input whether to stop, from how many there were */
export async function runFamily(
  family: Family,
  { seed, until }: { seed: number; until: (runs: number) => boolean },
): Promise<FamilyRun> {
  const random = new Random(seed)
  const run: FamilyRun = { runs: 0, accepted: 0, disagreements: [] }
  while (!until(run.runs) && run.disagreements.length < MAX_DISAGREEMENTS) {
    await checkOne(family, family.generate(random), run)
  }
  return run
}

export async function runCorpus(family: Family, corpus: readonly string[]): Promise<FamilyRun> {
  const run: FamilyRun = { runs: 0, accepted: 0, disagreements: [] }
  for (const input of corpus) await checkOne(family, input, run)
  return run
}

async function checkOne(family: Family, input: string, run: FamilyRun): Promise<void> {
  run.runs += 1
  const { isAccepted, disagreement } = await outcomeOf(family, input)
  if (isAccepted) run.accepted += 1
  if (disagreement !== undefined)
    run.disagreements.push({ family: family.name, input, disagreement })
}

/** A check that throws has found something too. */
async function outcomeOf(family: Family, input: string): Promise<Outcome> {
  try {
    return await family.check(input)
  } catch (thrown) {
    return { isAccepted: true, disagreement: `thrown: ${String(thrown)}` }
  }
}

/** The shortest input found that still disagrees: pieces are cut out, half of it first. */
export async function minimise(family: Family, input: string): Promise<string> {
  let shortest = input
  for (let size = Math.ceil(input.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < shortest.length; ) {
      const shorter = shortest.slice(0, at) + shortest.slice(at + size)
      const { disagreement } = await outcomeOf(family, shorter)
      if (disagreement === undefined) at += size
      else shortest = shorter
    }
  }
  return shortest
}
