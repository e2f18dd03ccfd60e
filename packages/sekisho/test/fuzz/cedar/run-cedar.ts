import { CedarPolicies } from '../../../src/wire/cedar.ts'
import { Random } from '../random.ts'
import { type Answer, askCedarAbout } from './oracle.ts'
import { askUsAbout, type Compile } from './ours.ts'
import { generateTriples, type TripleRequest, type Triples } from './triple.ts'

/** In the form in which the corpus keeps it, but for `ours`. */
export type Difference = Omit<Triples, 'requests'> & {
  about: string
  request: TripleRequest
  answer: Answer
  ours: Answer
}

export type CedarRun = {
  runs: number
  /** how often they answered what; a run in which one never comes shows nothing */
  answers: Record<'allow' | 'deny' | 'erred' | 'refused', number>
  differences: Difference[]
}

const REQUESTS_EACH = 5
const MAX_DIFFERENCES = 10

/** Generated triples, to both. @param until from how many there were: whether to stop */
export function runCedar({
  seed,
  until,
  compile,
}: {
  seed: number
  until: (runs: number) => boolean
  compile?: Compile
}): CedarRun {
  const random = new Random(seed)
  const run: CedarRun = {
    runs: 0,
    answers: { allow: 0, deny: 0, erred: 0, refused: 0 },
    differences: [],
  }
  while (!until(run.runs) && run.differences.length < MAX_DIFFERENCES) {
    const triples = generateTriples(random, REQUESTS_EACH)
    const layer = random.below(4)
    for (const { request, ours, theirs } of answersOf(triples, layer, compile)) {
      run.runs += 1
      count(run.answers, theirs)
      if (isSame(ours, theirs)) continue
      run.differences.push(narrowed({ ...triples, requests: [request] }, layer, compile))
    }
  }
  return run
}

function isSame(ours: Answer, theirs: Answer): boolean {
  return JSON.stringify(ours) === JSON.stringify(theirs)
}

/** With one policy, where one alone shows the difference. */
function narrowed(triples: Triples, layer: number, compile?: Compile): Difference {
  const alone = triples.policies.map((policy) => ({ ...triples, policies: [policy] }))
  const shown = [...alone, triples].flatMap((some) =>
    answersOf(some, layer, compile)
      .filter(({ ours, theirs }) => !isSame(ours, theirs))
      .map(({ request, ours, theirs }) => ({ some, request, ours, theirs })),
  )
  const [first] = shown
  if (first === undefined) throw new TypeError('a difference that does not come twice')
  const { some, request, ours, theirs } = first
  const { policies, entities } = some
  return { about: 'found by fuzzing', policies, entities, request, answer: theirs, ours }
}

export type Answered = { request: TripleRequest; ours: Answer; theirs: Answer }

/** Both answers to every request. @throws ZodError when the wire does not take the policies */
export function answersOf(triples: Triples, layer: number, compile?: Compile): Answered[] {
  const policies = CedarPolicies.parse(triples.policies)
  const them = askCedarAbout(policies, triples.entities)
  const us = askUsAbout(policies, triples.entities, { layer, compile })
  return triples.requests.map((request) => ({
    request,
    ours: us(request),
    theirs: them(request),
  }))
}

function count(answers: CedarRun['answers'], answer: Answer): void {
  if (answer === 'refused') answers.refused += 1
  else {
    answers[answer.decision] += 1
    if (answer.erred.length > 0) answers.erred += 1
  }
}
