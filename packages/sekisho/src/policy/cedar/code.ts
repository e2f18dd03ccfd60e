import type { CedarEntities } from './entities.ts'
import type { CedarRecord, EntityRef, Outcome } from './value.ts'

/** What one decision is about. */
export type Environment = {
  readonly principal: EntityRef
  readonly action: EntityRef
  readonly resource: EntityRef
  readonly context: CedarRecord
  readonly entities: CedarEntities
  /** what attributes came to in this decision; see `SharedPaths` */
  readonly slots: (Outcome | undefined)[]
}

export type Run = (environment: Environment) => Outcome

/** A compiled expression. */
export type Code = {
  readonly run: Run
  /** its outcome where that is the same for every request, else null */
  readonly constant: Outcome | null
}

export function constantCode(constant: Outcome): Code {
  return { run: () => constant, constant }
}

export function dynamicCode(run: Run): Code {
  return { run, constant: null }
}
