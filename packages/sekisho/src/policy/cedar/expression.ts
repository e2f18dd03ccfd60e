import type { Expr } from '../../wire/cedar.ts'
import { type CedarNode, attributePathOf, nodeOf } from '../../wire/cedar-node.ts'
import { compileAttribute, compileHas } from './attributes.ts'
import { type Code, constantCode, dynamicCode, type Run } from './code.ts'
import { functionNamed } from './functions.ts'
import { compileLike } from './like.ts'
import { type Apply, isIn, STRICT, type StrictOperator, UNARY } from './operators.ts'
import { CedarSet } from './set.ts'
import { type SharedPaths, VARIABLES } from './shared-paths.ts'
import { operandFault } from './type-fault.ts'
import { type CedarValue, EntityRef, Fault, type Outcome } from './value.ts'
import { valueOfJson } from './value-json.ts'

type Of<K extends CedarNode['kind']> = Extract<CedarNode, { kind: K }>

type Listed = Of<'set' | 'record' | 'call'>
type Operator = Of<'unary' | 'binary' | 'like' | 'is' | 'if'>

/** An expression as a closure. It recurses, so the expression is one that the schema has bounded. */
export function compileExpression(expr: Expr, paths: SharedPaths): Code {
  const node = nodeOf(expr)
  if (isListed(node)) return compileListed(node, paths)
  if (isOperator(node)) return compileOperator(node, paths)
  switch (node.kind) {
    case 'value':
      return constantCode(valueOfJson(node.value))
    case 'variable':
      return dynamicCode(VARIABLES[node.name])
    case 'attribute': {
      const path = attributePathOf(expr)
      if (path !== null) return paths.codeOf(path)
      return compileAttribute(compileExpression(node.left, paths), node.name)
    }
    case 'has':
      return compileHas(compileExpression(node.left, paths), node.path)
  }
}

function isListed(node: CedarNode): node is Listed {
  return node.kind === 'set' || node.kind === 'record' || node.kind === 'call'
}

/** All of them are evaluated, and the first fault is the outcome. */
function compileListed(node: Listed, paths: SharedPaths): Code {
  switch (node.kind) {
    case 'set':
      return compileList(compileAll(node.items, paths), (items) => new CedarSet(items))
    case 'call':
      return compileList(compileAll(node.args, paths), functionNamed(node.function))
    case 'record': {
      const names = node.entries.map(([name]) => name)
      const values = node.entries.map(([, value]) => value)
      return compileList(
        compileAll(values, paths),
        (items) => new Map(items.map((item, at) => [names[at] ?? '', item])),
      )
    }
  }
}

const OPERATORS: readonly CedarNode['kind'][] = ['unary', 'binary', 'like', 'is', 'if']

function isOperator(node: CedarNode): node is Operator {
  return OPERATORS.includes(node.kind)
}

function compileOperator(node: Operator, paths: SharedPaths): Code {
  switch (node.kind) {
    case 'unary':
      return mapped(compileExpression(node.arg, paths), UNARY[node.operator])
    case 'binary':
      return compileBinary(node, paths)
    case 'if':
      return compileIf(node, paths)
    case 'is':
      return compileIs(node, paths)
    case 'like': {
      const matches = compileLike(node.pattern)
      return mapped(compileExpression(node.left, paths), (value) =>
        typeof value === 'string' ? matches(value) : operandFault(value, 'string'),
      )
    }
  }
}

/** Of one operand; worked out at once where that is constant. */
function mapped({ run, constant }: Code, apply: (value: Outcome) => Outcome): Code {
  if (constant !== null) return constantCode(apply(constant))
  return dynamicCode((environment) => apply(run(environment)))
}

function compileBinary({ operator, left, right }: Of<'binary'>, paths: SharedPaths): Code {
  const [first, second] = [compileExpression(left, paths), compileExpression(right, paths)]
  if (operator === '&&') return shortCircuit(first, second, false)
  if (operator === '||') return shortCircuit(first, second, true)
  if (operator === '==' || operator === '!=') {
    const isWanted = operator === '=='
    if (isPlain(second.constant)) return compareWith(first, second.constant, isWanted)
    if (isPlain(first.constant)) return compareWith(second, first.constant, isWanted)
  }
  return strict(operator, first, second)
}

/** `&&` ends at false and `||` at true; the right side counts, and can fail, only where reached. */
function shortCircuit(left: Code, right: Code, end: boolean): Code {
  return dynamicCode((environment) => {
    const first = left.run(environment)
    if (first === end) return end
    if (first !== !end) return operandFault(first, 'bool')
    const second = right.run(environment)
    return typeof second === 'boolean' ? second : operandFault(second, 'bool')
  })
}

function isPlain(value: Outcome | null): value is string | number | bigint | boolean {
  return typeof value !== 'object'
}

/** Equality with a constant that `===` compares: what most conditions are made of. */
function compareWith(
  { run }: Code,
  constant: string | number | bigint | boolean,
  isWanted: boolean,
): Code {
  return dynamicCode((environment) => {
    const value = run(environment)
    if (value === constant) return isWanted
    return value instanceof Fault ? value : !isWanted
  })
}

function strict(operator: StrictOperator, left: Code, right: Code): Code {
  const apply = STRICT[operator]
  // a constant on one side, as in most conditions, is not asked for its value each time
  if (isValue(right.constant)) return withRight(left.run, right.constant, apply)
  if (isValue(left.constant)) return withLeft(left.constant, right.run, apply)
  return dynamicCode((environment) => {
    const first = left.run(environment)
    if (first instanceof Fault) return first
    const second = right.run(environment)
    return second instanceof Fault ? second : apply(first, second, environment)
  })
}

function withRight(run: Run, constant: CedarValue, apply: Apply): Code {
  return dynamicCode((environment) => {
    const first = run(environment)
    return first instanceof Fault ? first : apply(first, constant, environment)
  })
}

function withLeft(constant: CedarValue, run: Run, apply: Apply): Code {
  return dynamicCode((environment) => {
    const second = run(environment)
    return second instanceof Fault ? second : apply(constant, second, environment)
  })
}

function compileIf({ condition, yes, no }: Of<'if'>, paths: SharedPaths): Code {
  const [test, whenTrue, whenFalse] = [condition, yes, no].map((part) =>
    compileExpression(part, paths),
  )
  if (test === undefined || whenTrue === undefined || whenFalse === undefined) {
    throw new TypeError('an if-then-else has three parts')
  }
  return dynamicCode((environment) => {
    const outcome = test.run(environment)
    if (outcome === true) return whenTrue.run(environment)
    return outcome === false ? whenFalse.run(environment) : operandFault(outcome, 'bool')
  })
}

/** `is T in e` evaluates `e` only for an entity of that type. */
function compileIs({ left, entityType, in: container }: Of<'is'>, paths: SharedPaths): Code {
  const { run } = compileExpression(left, paths)
  const outer = container === null ? null : compileExpression(container, paths)
  return dynamicCode((environment) => {
    const value = run(environment)
    if (!(value instanceof EntityRef)) return operandFault(value, 'entity')
    if (value.type !== entityType) return false
    if (outer === null) return true
    const target = outer.run(environment)
    return target instanceof Fault ? target : isIn(value, target, environment)
  })
}

function compileAll(exprs: readonly Expr[], paths: SharedPaths): Code[] {
  return exprs.map((expr) => compileExpression(expr, paths))
}

function compileList(
  items: readonly Code[],
  make: (values: readonly CedarValue[]) => Outcome,
): Code {
  const constants = items.map(({ constant }) => constant)
  if (constants.every(isValue)) return constantCode(make(constants))
  return dynamicCode((environment) => {
    const values: CedarValue[] = []
    for (const { run } of items) {
      const value = run(environment)
      if (value instanceof Fault) return value
      values.push(value)
    }
    return make(values)
  })
}

function isValue(constant: Outcome | null): constant is CedarValue {
  return constant !== null && !(constant instanceof Fault)
}
