import { INVARIANTS } from '../policy/invariants/compiled.ts'
import { loosenPath } from '../policy/path-reading.ts'
import type { CedarPolicy } from '../wire/cedar.ts'
import type { PolicyRule } from '../wire/policy.ts'
import type { Counterexample } from '../wire/solver.ts'
import { describeRequest } from './counterexample.ts'
import { allTrue } from './evaluate.ts'
import { encodeDecision, encodePolicy } from './encode-policy.ts'
import { assumePlatform, type Frame, sceneOf } from './frame.ts'
import { readsAlike } from './grants.ts'
import { bindGrants } from './grant-binding.ts'
import type { KnownNames } from './known-names.ts'
import { platformFacts } from './platform-facts.ts'
import type { RequestTypes } from './schema.ts'
import type { Scene } from './scene.ts'
import { type Clock, solve } from './solve.ts'
import type { Assignment } from './smt-text.ts'
import { and, equal, FALSE, not, or, type Term, variable, variablesOf, walk } from './term.ts'
import { usualRequest } from './usual-request.ts'
import { World } from './world.ts'
import type { Ask } from './z3.ts'

/** What decides, of one generation: everything but what only a running session knows. */
export type Side = {
  /** names what is this side's alone */
  name: 'before' | 'after'
  types: RequestTypes
  policies: readonly CedarPolicy[]
  /** of one agent; null: of an agent whose rules are the same on both sides, whatever they are */
  rules: readonly PolicyRule[] | null
}

export type Answer =
  /** no request is so */
  | { kind: 'never' }
  | { kind: 'found'; counterexample: Counterexample }
  | { kind: 'unknown'; why: string }

/** How a question is answered: by which solver, until when. */
export type Effort = { ask: Ask; now: Clock; deadlineMs: number }

type Bound = { scene: Scene; granted: Term }

/** The path as the loosest server reads it. */
const LOOSE_PATH = 'context.http.path as loosely read'
const PATH = 'context.http.path'
/** which every server reads alike */
const PLAIN_PATH = equal(variable(PATH, 'String'), variable(LOOSE_PATH, 'String'))
/** What an example that people know may take longer than any other. */
const BENDING_MS = 2_000
const NOBODY: KnownNames = { agents: [], users: [] }

/**
 * All requests of one shape, to ask about. Everything that is asked of one question is about the
 * same request.
 */
export class Question {
  readonly frame: Frame
  readonly world: World
  readonly #types: RequestTypes
  readonly #bound = new Map<string, Bound | undefined>()

  /** @param types of every side that is asked about; the first one's say what a request can be */
  constructor(frame: Frame, types: readonly [RequestTypes, ...RequestTypes[]]) {
    this.frame = frame
    this.#types = types[0]
    this.world = new World(types)
    assumePlatform(this.world, types[0])
    this.world.assume(...platformFacts(frame, types[0], this.world))
    const [path, loosePath] = [variable(PATH, 'String'), variable(LOOSE_PATH, 'String')]
    if (frame.action === 'http.request') this.world.assume(readsAlike({ path, loosePath }))
  }

  /**
   * That a side allows it: granted, permitted to every principal, and stopped by no invariant.
   *
   * @param invariants other than the platform's own, to see what they are good for
   */
  allowedBy(side: Side, invariants: readonly CedarPolicy[] = INVARIANTS): Term {
    const bound = this.frame.principals.map((type) => this.#sceneOf(side, type))
    const permitted = bound.map((each) =>
      each === undefined ? FALSE : and(each.granted, encodeDecision(side.policies, each.scene)),
    )
    return and(...permitted, not(this.stoppedBy(invariants, side)))
  }

  /** That one of these forbids applies to some principal, or cannot be evaluated. */
  stoppedBy(forbids: readonly CedarPolicy[], side: Side): Term {
    const terms = this.frame.principals.flatMap((type) => {
      const scene = this.#sceneOf(side, type)?.scene
      if (scene === undefined) return []
      return forbids.map((forbid) => {
        const { holds, fails } = encodePolicy(forbid, scene)
        return or(holds, fails)
      })
    })
    return or(...terms)
  }

  /** Each principal's view of the request. */
  scenes(side: Side): Scene[] {
    return this.frame.principals.flatMap((type) => {
      const scene = this.#sceneOf(side, type)?.scene
      return scene === undefined ? [] : [scene]
    })
  }

  /**
   * Looks for a request for which a term holds.
   *
   * @param known to find one that people know; left out where nobody is shown it
   */
  async find(term: Term, effort: Effort, known?: KnownNames): Promise<Answer> {
    if (term === FALSE) return { kind: 'never' }
    const first = await this.#solve([term], effort)
    if (first.kind !== 'possible') return first.kind === 'impossible' ? { kind: 'never' } : first
    if (isReadRight(first.assignment)) return this.#judge(term, first, { effort, known })
    const second = await this.#solve([term, PLAIN_PATH], effort)
    if (second.kind === 'possible') return this.#judge(term, second, { effort, known })
    return { kind: 'unknown', why: 'open only for paths that servers read in several ways' }
  }

  /**
   * Of some claims, those that do not hold for one request for which a term holds; null where none
   * was found. Everything has to be encoded before.
   */
  async untrueOf<T>(
    term: Term,
    claims: readonly (readonly [T, Term])[],
    effort: Effort,
  ): Promise<readonly T[] | null> {
    const found = await this.#solve([term], effort)
    if (found.kind !== 'possible' || !isReadRight(found.assignment)) return null
    const { assignment } = found
    return claims.flatMap(([key, claim]) => (allTrue([claim], assignment) ? [] : [key]))
  }

  async #judge(
    term: Term,
    found: { assignment: Assignment },
    { effort, known }: { effort: Effort; known: KnownNames | undefined },
  ): Promise<Answer> {
    const reasons = [...new Set(this.world.reasonsFor(variablesOf([term])))]
    if (reasons.length > 0) {
      return { kind: 'unknown', why: `not encoded: ${reasons.slice(0, 5).join('; ')}` }
    }
    const [types, world] = [this.#types, this.world]
    const asked = { frame: this.frame, world, types, known: known ?? NOBODY }
    const wishes = known === undefined ? [] : usualRequest(term, asked)
    const assignment = await this.#bend(found.assignment, [term, wishes], effort)
    const named = new Set(
      walk([term, ...wishes]).flatMap((each) => (each.kind === 'string' ? [each.value] : [])),
    )
    const counterexample = describeRequest(this.frame, assignment, { world, named })
    return { kind: 'found', counterexample }
  }

  /** As much as can be of what is wished for, in its order; never anything but an answer. */
  async #bend(
    found: Assignment,
    [term, wishes]: readonly [Term, readonly Term[]],
    { ask, now, deadlineMs }: Effort,
  ): Promise<Assignment> {
    const untilMs = Math.min(deadlineMs, now() + BENDING_MS)
    const facts = this.world.facts()
    const attempt = async (terms: readonly Term[]): Promise<Assignment | null> => {
      const timeoutMs = Math.floor(untilMs - now())
      if (timeoutMs < 1) return null
      const answer = await solve([...terms, ...facts], { ask, timeoutMs, now })
      const isRight = answer.kind === 'possible' && isReadRight(answer.assignment)
      return isRight ? answer.assignment : null
    }
    if (wishes.length === 0) return found
    const all = await attempt([term, PLAIN_PATH, ...wishes])
    if (all !== null) return all
    // wishes look at more than the term: only an answer that says all of it can be judged by them
    let [best, kept] = [(await attempt([term, PLAIN_PATH])) ?? found, [term, PLAIN_PATH]]
    if (best === found) return found
    for (const wish of wishes) {
      if (wish === FALSE) continue
      const better = allTrue([wish], best) ? best : await attempt([...kept, wish])
      if (better === null) continue
      best = better
      kept = [...kept, wish]
    }
    return best
  }

  #solve(terms: readonly Term[], { ask, now, deadlineMs }: Effort): ReturnType<typeof solve> {
    const timeoutMs = Math.max(1, Math.floor(deadlineMs - now()))
    return solve([...terms, ...this.world.facts()], { ask, timeoutMs, now })
  }

  #sceneOf(side: Side, principal: string | undefined): Bound | undefined {
    if (principal === undefined) return undefined
    const key = `${side.name} ${principal}`
    if (this.#bound.has(key)) return this.#bound.get(key)
    const scene = sceneOf(this.frame, principal, { world: this.world, types: side.types })
    const bound = scene === undefined ? undefined : bindGrants(side, scene, this.frame)
    this.#bound.set(key, bound)
    return bound
  }
}

/** Whether the loose reading that was found is the one that the path has. */
function isReadRight(assignment: Assignment): boolean {
  const [path, loose] = [assignment.get(PATH), assignment.get(LOOSE_PATH)]
  return typeof path !== 'string' || loose === undefined || loosenPath(path) === loose
}
