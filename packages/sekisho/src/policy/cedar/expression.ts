import type { CedarVariable, Expr } from '../../wire/cedar.ts'
import { type CedarNode, nodeOf } from '../../wire/cedar-node.ts'
import { compileAttribute, compileHas } from './attributes.ts'
import { type Code, constantCode, dynamicCode, type Run } from './code.ts'
import { functionNamed } from './functions.ts'
import { compileLike } from './like.ts'
import { isIn, STRICT, type StrictOperator, UNARY } from './operators.ts'
import { CedarSet } from './set.ts'
import { operandFault } from './type-fault.ts'
import { type CedarValue, EntityRef, Fault, type Outcome } from './value.ts'
import { valueOfJson } from './value-json.ts'

type Of<K extends CedarNode['kind']> = Extract<CedarNode, { kind: K }>

type Listed = Of<'set' | 'record' | 'call'>
type Operator = Of<'unary' | 'binary' | 'like' | 'is' | 'if'>

/** An expression as a closure. It recurses, so the expression is one that the schema has bounded. */
export function compileExpression(expr: Expr): Code {
  const node = nodeOf(expr)
  if (isListed(node)) return compileListed(node)
  if (isOperator(node)) return compileOperator(node)
  switch (node.kind) {
    case 'value':
      return constantCode(valueOfJson(node.value))
    case 'variable':
      return dynamicCode(VARIABLES[node.name])
    case 'attribute':
      return compileAttribute(isContext(node.left) ? null : compileExpression(node.left), node.name)
    case 'has':
      return compileHas(compileExpression(node.left), node.path)
  }
}

const VARIABLES: Readonly<Record<CedarVariable, Run>> = {
  principal: ({ principal }) => principal,
  action: ({ action }) => action,
  resource: ({ resource }) => resource,
  context: ({ context }) => context,
}

function isContext(expr: Expr): boolean {
  return 'Var' in expr && expr.Var === 'context'
}

function isListed(node: CedarNode): node is Listed {
  return node.kind === 'set' || node.kind === 'record' || node.kind === 'call'
}

/** All of them are evaluated, and the first fault is the outcome. */
function compileListed(node: Listed): Code {
  switch (node.kind) {
    case 'set':
      return compileList(node.items, (items) => new CedarSet(items))
    case 'call':
      return compileList(node.args, functionNamed(node.function))
    case 'record': {
      const names = node.entries.map(([name]) => name)
      const values = node.entries.map(([, value]) => value)
      return compileList(
        values,
        (items) => new Map(items.map((item, at) => [names[at] ?? '', item])),
      )
    }
  }
}

const OPERATORS: readonly CedarNode['kind'][] = ['unary', 'binary', 'like', 'is', 'if']

function isOperator(node: CedarNode): node is Operator {
  return OPERATORS.includes(node.kind)
}

function compileOperator(node: Operator): Code {
  switch (node.kind) {
    case 'unary':
      return mapped(compileExpression(node.arg), UNARY[node.operator])
    case 'binary':
      return compileBinary(node)
    case 'if':
      return compileIf(node)
    case 'is':
      return compileIs(node)
    case 'like': {
      const matches = compileLike(node.pattern)
      return mapped(compileExpression(node.left), (value) =>
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

function compileBinary({ operator, left, right }: Of<'binary'>): Code {
  const [first, second] = [compileExpression(left), compileExpression(right)]
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
  return dynamicCode((environment) => {
    const first = left.run(environment)
    if (first instanceof Fault) return first
    const second = right.run(environment)
    return second instanceof Fault ? second : apply(first, second, environment)
  })
}

function compileIf({ condition, yes, no }: Of<'if'>): Code {
  const [test, whenTrue, whenFalse] = [condition, yes, no].map(compileExpression)
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
function compileIs({ left, entityType, in: container }: Of<'is'>): Code {
  const { run } = compileExpression(left)
  const outer = container === null ? null : compileExpression(container)
  return dynamicCode((environment) => {
    const value = run(environment)
    if (!(value instanceof EntityRef)) return operandFault(value, 'entity')
    if (value.type !== entityType) return false
    if (outer === null) return true
    const target = outer.run(environment)
    return target instanceof Fault ? target : isIn(value, target, environment)
  })
}

function compileList(
  exprs: readonly Expr[],
  make: (values: readonly CedarValue[]) => Outcome,
): Code {
  const items = exprs.map(compileExpression)
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
