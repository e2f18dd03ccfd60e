import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bundleDigest } from '../../policy/bundle-signatures.ts'
import { parseOperators } from '../../policy/operators.ts'
import type { PolicyInstall } from '../../wire/control.ts'
import type { Candidate } from './generation.ts'
import { agentFile, BundleDesk, operatorsFile, person } from './testing/bundle-desk.ts'

const PEOPLE = [person('aiko'), person('ben'), person('eve')]
const HOSTS = ['one.example', 'two.example', 'three.example']

type Step =
  | { kind: 'agent'; hosts: readonly string[] }
  | { kind: 'operators'; people: readonly (typeof PEOPLE)[number][] }
  | { kind: 'sign'; people: readonly (typeof PEOPLE)[number][] }
  | { kind: 'begin' }
  | { kind: 'restart' }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('agent' as const), hosts: fc.subarray(HOSTS) }),
  fc.record({ kind: fc.constant('operators' as const), people: fc.subarray(PEOPLE) }),
  fc.record({ kind: fc.constant('sign' as const), people: fc.subarray(PEOPLE) }),
  fc.constant({ kind: 'begin' as const }),
  fc.constant({ kind: 'restart' as const }),
)

/** What is looked at of a bundle: hosts stand for all that is allowed. */
function meaningOf(files: Readonly<Record<string, string>>): {
  digest: string
  hosts: Set<string>
  operators: Set<string>
} {
  const text = files['operators.yaml']
  const operators = text === undefined ? [] : parseOperators(text, 'operators.yaml')
  return {
    digest: bundleDigest(new Map(Object.entries(files))),
    hosts: new Set(HOSTS.filter((host) => files['agents/a.yaml']?.includes(host))),
    operators: new Set(operators.map(({ name }) => name)),
  }
}

type Meaning = ReturnType<typeof meaningOf>

/** As a solver that knows nothing but hosts. */
async function compare(
  before: Candidate,
  after: Candidate,
): Promise<{ change: 'narrower' | 'wider'; detail: string }> {
  const [a, b] = [before, after].map(({ files }) => meaningOf(Object.fromEntries(files)))
  const isNarrower = a !== undefined && b !== undefined && isWithin(b.hosts, a.hosts)
  return { change: isNarrower ? 'narrower' : 'wider', detail: 'hosts' }
}

/** Why a bundle should not have come into force after another; undefined where it should. */
function wrongly(before: PolicyInstall | undefined, next: PolicyInstall): string | undefined {
  const after = meaningOf(next.files)
  const then = before === undefined ? null : meaningOf(before.files)
  const judges = (then ?? after).operators
  const signers = new Set(next.signers.map(({ name }) => name))
  if (!isWithin(signers, judges)) return 'signed by somebody who was no operator'
  if (judges.size === 0 || then?.digest === after.digest || signers.size >= 2) return undefined
  if (signers.size === 0) return 'signed by nobody'
  return wronglyByOne(then, after)
}

function wronglyByOne(then: Meaning | null, after: Meaning): string | undefined {
  return then === null || narrows(then, after) ? undefined : 'wider, and signed by one'
}

function narrows(then: Meaning, after: Meaning): boolean {
  const [few, many] = [after.operators, then.operators]
  const areLeft = few.size >= Math.min(many.size, 2) // one alone must not do away with the other
  return isWithin(after.hosts, then.hosts) && isWithin(few, many) && areLeft
}

function isWithin(some: ReadonlySet<string>, all: ReadonlySet<string>): boolean {
  return [...some].every((one) => all.has(one))
}

async function begins(desk: BundleDesk): Promise<string | undefined> {
  return desk.generations.withCurrent(({ digest }) => digest).catch(() => undefined)
}

function perform(desk: BundleDesk, what: Step): BundleDesk {
  if (what.kind === 'agent') desk.write('agents/a.yaml', agentFile('a', ...what.hosts))
  if (what.kind === 'operators') desk.write('operators.yaml', operatorsFile(...what.people))
  if (what.kind === 'sign') desk.sign(...what.people)
  return what.kind === 'restart' ? desk.restarted() : desk
}

test('whatever is edited, signed and restarted, in whatever order: nothing comes into force that its predecessor’s operators have not let in, and a session begins under exactly the files that lie there', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 24 }), async (steps) => {
      let desk = new BundleDesk()
      desk.write('agents/a.yaml', agentFile('a', ...HOSTS))
      let last: PolicyInstall | undefined
      for (const what of steps) {
        desk = perform(desk, what)
        desk.compare = compare
        const known = desk.installed.length
        if (what.kind !== 'begin') continue
        const digest = await begins(desk)
        for (const install of desk.installed.slice(known)) {
          expect(wrongly(last, install)).toBeUndefined()
          last = install
        }
        expect([undefined, bundleDigest(desk.files)]).toContain(digest)
        const numbers = desk.installed.map(({ bundle }) => bundle.generation)
        expect(numbers).toEqual(numbers.map((_, i) => i + 1))
      }
    }),
    { numRuns: 150 },
  )
})

test('a bundle that two operators have signed always comes into force', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.subarray(HOSTS), { minLength: 1, maxLength: 6 }),
      async (edits) => {
        const desk = new BundleDesk()
        desk.compare = compare
        desk.write('operators.yaml', operatorsFile(...PEOPLE))
        for (const hosts of edits) {
          desk.write('agents/a.yaml', agentFile('a', ...hosts))
          desk.sign(...PEOPLE.slice(0, 2))
          expect(await begins(desk)).toBe(bundleDigest(desk.files))
        }
      },
    ),
    { numRuns: 30 },
  )
})
