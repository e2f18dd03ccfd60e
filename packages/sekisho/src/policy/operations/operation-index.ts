import type { HttpRequestAction } from '../../core/action.ts'
import { matchesHost } from '../../core/host.ts'
import { SekishoError } from '../../core/error.ts'
import { type Deny, deny } from '../../core/verdict.ts'
import type { CriticalArgument } from '../../core/label.ts'
import { CRITICAL_ARGUMENTS } from '../../core/label.ts'
import type { CedarValueJson } from '../../wire/cedar.ts'
import type { Operation } from '../../wire/operations.ts'
import type { CriticalValue, Json, OperationCall } from '../../core/facts.ts'
import { HostIndex, nameRules, openingKey } from '../host-index.ts'
import { readPath } from '../path-reading.ts'
import type { Problem } from '../problem.ts'
import { readArgumentSchema } from './argument-schema.ts'
import type { ObjectType } from './argument-type.ts'
import { type CedarActionJson, cedarActionOf, cedarValueOf } from './cedar-type.ts'
import { type ArgumentPath, readArgumentPath, valuesAt, writeNumber } from './critical-argument.ts'
import { doGlobsOverlap } from './overlapping-globs.ts'
import { isFlat, readArguments, type RequestParts } from './read-arguments.ts'

const BAD_ARGUMENTS = 'operation.arguments'
const AMBIGUOUS = 'operation.ambiguous'

export type ReadCall = { kind: 'call'; call: OperationCall; critical: readonly CriticalValue[] }

/** A declared operation that a request is. */
export type CompiledOperation = {
  id: string
  /** Its arguments, or why the request is none that its schema takes. Never throws. */
  read(parts: RequestParts): ReadCall | Deny
  /** @param args of a call that {@link read} gave */
  toCedarRecord(args: Json): CedarValueJson
  /** Cedar's action `tool.call/<id>` in the JSON form of a schema, without its name */
  cedarAction: CedarActionJson
}

export type OperationIndex = {
  /**
   * The operation that a request is; undefined where it is none. Where it is more than one, or may
   * be one to a server that reads paths loosely and another to one that does not, its `read` denies.
   */
  find(action: HttpRequestAction): CompiledOperation | undefined
  /** undefined where the bundle has none of this id */
  get(id: string): CompiledOperation | undefined
}

/**
 * @throws SekishoError CONFIG_INVALID for what {@link problemsOfOperation} or
 *   {@link overlapsOf} would have named
 */
export function compileOperations(operations: readonly Operation[]): OperationIndex {
  const compiled = new Map(operations.map((operation) => [operation.id, compile(operation)]))
  const [overlap] = overlapsOf(operations)
  if (overlap !== undefined) throw new SekishoError('CONFIG_INVALID', overlap.message)
  // Like a rule that denies: a request that is it in any reading of its path is it.
  const hosts = new HostIndex(
    operations.map(({ id, scheme, host, port, methods, paths }) => ({
      id,
      effect: 'deny',
      scheme,
      host,
      port,
      methods,
      paths: [...new Set([...paths, ...paths.map(laxPath)])],
    })),
  )
  return {
    get: (id) => compiled.get(id),
    find: (action) => {
      const openings = hosts.find(action.host)
      if (openings.length === 0) return undefined
      const path = readPath(action.path)
      const lax = readPath(laxPath(action.path))
      if (path === undefined || lax === undefined) return ambiguous(['a path with dot segments'])
      const found: string[] = []
      const key = openingKey(action.scheme, action.port)
      for (const opening of openings) {
        const { denies } = opening.get(key) ?? {}
        denies?.collect(action.method, path, found)
        denies?.collect(action.method, lax, found)
      }
      const [id, ...others] = nameRules(found)
      if (id === undefined) return undefined
      return others.length === 0 ? compiled.get(id) : ambiguous([id, ...others])
    },
  }
}

/** Many servers read paths without regard to capitals and to a slash at the end. */
function laxPath(path: string): string {
  let end = path.length
  while (end > 1 && path[end - 1] === '/') end -= 1
  return path.slice(0, end).toLowerCase()
}

function compile(operation: Operation): CompiledOperation {
  const read = readOperation(operation)
  if ('problems' in read) {
    const [problem] = read.problems
    throw new SekishoError('CONFIG_INVALID', `operation ${operation.id}: ${problem?.message}`)
  }
  const { type, critical } = read
  const { id, reversibility, consequence } = operation
  return {
    id,
    cedarAction: cedarActionOf(type),
    toCedarRecord: (args) => cedarValueOf(type, args),
    read: (parts) => {
      const args = readArguments(operation.arguments, type, parts)
      if ('problem' in args) return deny(BAD_ARGUMENTS, `${id}: ${args.problem}`)
      return {
        kind: 'call',
        call: { id, arguments: args.value, reversibility, consequence },
        critical: critical.flatMap(({ kind, path }) =>
          valuesAt(path, args.value).map(({ argument, value }) => ({
            kind,
            argument,
            value: typeof value === 'string' ? value : writeNumber(value),
          })),
        ),
      }
    },
  }
}

/** Stands for what cannot be told; nothing of it is ever called. */
function ambiguous(why: readonly string[]): CompiledOperation {
  const [first = ''] = why
  return {
    id: first,
    read: () => deny(AMBIGUOUS, `it is not plain which operation this is: ${why.join(' or ')}`),
    toCedarRecord: () => ({}),
    cedarAction: cedarActionOf({ kind: 'object', members: new Map() }),
  }
}

type ReadOperation = {
  type: ObjectType
  critical: readonly { kind: CriticalArgument; path: ArgumentPath }[]
}

/** What is wrong with one operation beyond its shape; paths are those in the operation. */
export function problemsOfOperation(operation: Operation): readonly Problem[] {
  const read = readOperation(operation)
  return 'problems' in read ? read.problems : []
}

function readOperation(operation: Operation): ReadOperation | { problems: readonly Problem[] } {
  const schema = readArgumentSchema(operation.parameters)
  if ('problems' in schema) {
    return {
      problems: schema.problems.map((problem) => ({
        ...problem,
        path: ['parameters', ...problem.path],
        message: `parameters: ${problem.message}`,
      })),
    }
  }
  const type = schema.value
  const problems: Problem[] = explainPlace(operation.arguments, type)
  const critical: { kind: CriticalArgument; path: ArgumentPath }[] = []
  for (const kind of CRITICAL_ARGUMENTS) {
    for (const [index, text] of (operation.critical[kind] ?? []).entries()) {
      const path = readArgumentPath(text, type)
      if ('value' in path) critical.push({ kind, path: path.value })
      else {
        const { problem: message, hint } = path
        problems.push({ path: ['critical', kind, index], at: 'value', message, hint })
      }
    }
  }
  return problems.length > 0 ? { problems } : { type, critical }
}

function explainPlace(kind: Operation['arguments'], type: ObjectType): Problem[] {
  const path = ['parameters']
  if (kind === 'none' && type.members.size > 0) {
    return [{ path, at: 'value', message: 'parameters: it takes no arguments, and names some' }]
  }
  if ((kind === 'form' || kind === 'query') && !isFlat(type)) {
    const message = `parameters: a ${kind} has no objects and no lists of lists`
    return [{ path, at: 'value', message, hint: 'only JSON can say those' }]
  }
  return []
}

/** Two operations that one request can be: `second` is the index of the later one. */
export type Overlap = { first: number; second: number; message: string }

/** Operations of which one request could be two, or that have one name: a bundle has none. */
export function overlapsOf(operations: readonly Operation[]): readonly Overlap[] {
  const overlaps: Overlap[] = []
  for (const [second, b] of operations.entries()) {
    const first = operations.findIndex((a, index) => index < second && clash(a, b) !== undefined)
    const a = operations[first]
    const what = a === undefined ? undefined : clash(a, b)
    if (what !== undefined) overlaps.push({ first, second, message: what })
  }
  return overlaps
}

function clash(a: Operation, b: Operation): string | undefined {
  if (a.id === b.id) return `two operations are called \`${a.id}\``
  const isSamePlace =
    a.scheme === b.scheme &&
    a.port === b.port &&
    (matchesHost(a.host, b.host.replace(/^\*\./, 'any.')) ||
      matchesHost(b.host, a.host.replace(/^\*\./, 'any.')) ||
      a.host === b.host)
  if (!isSamePlace || !a.methods.some((method) => b.methods.includes(method))) return undefined
  const both = a.paths.find((path) =>
    b.paths.some((other) => doGlobsOverlap(laxPath(path), laxPath(other))),
  )
  return both && `a request for \`${both}\` could be both \`${a.id}\` and \`${b.id}\``
}
