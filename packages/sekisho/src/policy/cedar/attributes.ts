import { type Code, dynamicCode, type Environment, type Run } from './code.ts'
import { operandFault } from './type-fault.ts'
import { type CedarRecord, EntityRef, Fault, isRecord, type Outcome } from './value.ts'

const RECORD_OR_ENTITY = 'record or entity'

/** `left.name`; `left` is null for the context itself, which is a record always. */
export function compileAttribute(left: Code | null, name: string): Code {
  const missing = new Fault(`no attribute \`${name}\``)
  const unknown = new Fault(`the entity whose attribute \`${name}\` is read is not known`)
  if (left === null) return dynamicCode(({ context }) => context.get(name) ?? missing)
  const { run } = left
  return dynamicCode((environment) => {
    const value = run(environment)
    if (isRecord(value)) return value.get(name) ?? missing
    if (!(value instanceof EntityRef)) return operandFault(value, RECORD_OR_ENTITY)
    const attrs = environment.entities.attrs(value)
    return attrs === undefined ? unknown : (attrs.get(name) ?? missing)
  })
}

/** `left has a.b.c`: what is on the way has to be a record or an entity, but need not be there. */
export function compileHas({ run }: Code, path: readonly string[]): Code {
  return dynamicCode(path.length === 1 ? hasOne(run, path[0] ?? '') : hasPath(run, path))
}

function hasOne(run: Run, name: string): Run {
  return (environment) => {
    const value = run(environment)
    const members = membersOf(value, environment)
    return members instanceof Fault ? members : (members?.has(name) ?? false)
  }
}

function hasPath(run: Run, path: readonly string[]): Run {
  return (environment) => {
    let value: Outcome | undefined = run(environment)
    for (const name of path) {
      const members = membersOf(value, environment)
      if (members instanceof Fault) return members
      value = members?.get(name)
      if (value === undefined) return false
    }
    return true
  }
}

function membersOf(value: Outcome, { entities }: Environment): CedarRecord | Fault | undefined {
  if (isRecord(value)) return value
  return value instanceof EntityRef ? entities.attrs(value) : operandFault(value, RECORD_OR_ENTITY)
}
