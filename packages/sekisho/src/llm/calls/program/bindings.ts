import type { AnyNode, Expression, Pattern } from 'acorn'
import { isFunction, type FunctionNode, type Place } from './syntax.ts'

/** Where a name gets its value from. */
export type Binding =
  /** once, from this expression */
  | { kind: 'value'; from: Expression }
  /** each element of this expression in turn */
  | { kind: 'element'; of: Expression }
  /** it starts as a number, and only numbers are added */
  | { kind: 'counter' }
  | { kind: 'function' }
  /** from somewhere that is not looked at, or from several places */
  | { kind: 'unknown' }

export type Names = {
  /** A name that is declared twice has an unknown value, whichever of the two is meant. */
  bindings: ReadonlyMap<string, Binding>
  /** where a name stands for a value, or is given one after its declaration */
  uses: ReadonlyMap<string, readonly Place[]>
}

const UNKNOWN_BINDING: Binding = { kind: 'unknown' }

/** @param places of the whole program */
export function readNames(places: readonly Place[]): Names {
  const bindings = new Map<string, Binding>()
  for (const [name, binding] of places.flatMap(declaredBy)) {
    bindings.set(name, bindings.has(name) ? UNKNOWN_BINDING : binding)
  }
  const uses = new Map<string, Place[]>()
  for (const place of places) {
    if (place.node.type !== 'Identifier' || !isUse(place.node, place.parent)) continue
    uses.set(place.node.name, [...(uses.get(place.node.name) ?? []), place])
  }
  for (const [name, binding] of bindings) bindings.set(name, settle(binding, uses.get(name) ?? []))
  return { bindings, uses }
}

type Declared = [name: string, binding: Binding]

function declaredBy({ node, parent, around }: Place): Declared[] {
  if (node.type === 'VariableDeclarator') {
    return isLoopHead(parent, around) ? [] : variable(node.id, node.init ?? null)
  }
  if (node.type === 'ForOfStatement' || node.type === 'ForInStatement') return loopVariable(node)
  if (isFunction(node)) return declaredByFunction(node, parent)
  // classes are not followed: `hidden.ts` stops at the first
  return node.type === 'CatchClause' && node.param ? unknowns(node.param) : []
}

function isLoopHead(declaration: AnyNode | null, around: AnyNode | null): boolean {
  const isLoop = around?.type === 'ForOfStatement' || around?.type === 'ForInStatement'
  return isLoop && around.left === declaration
}

function variable(id: Pattern, init: Expression | null): Declared[] {
  if (id.type !== 'Identifier') return unknowns(id)
  if (init === null) return [[id.name, UNKNOWN_BINDING]]
  return [[id.name, isFunction(init) ? { kind: 'function' } : { kind: 'value', from: init }]]
}

function loopVariable(
  node: Extract<AnyNode, { type: 'ForOfStatement' | 'ForInStatement' }>,
): Declared[] {
  if (node.left.type !== 'VariableDeclaration') return []
  const [declarator] = node.left.declarations
  if (declarator === undefined) return []
  const isElement = node.type === 'ForOfStatement' && declarator.id.type === 'Identifier'
  if (!isElement || declarator.id.type !== 'Identifier') return unknowns(declarator.id)
  return [[declarator.id.name, { kind: 'element', of: node.right }]]
}

/** Methods that call a function with each element, and then with its index. */
const EACH: ReadonlySet<string> = new Set([
  'map',
  'forEach',
  'flatMap',
  'filter',
  'some',
  'every',
  'find',
])

function declaredByFunction(node: FunctionNode, parent: AnyNode | null): Declared[] {
  const own: Declared[] = 'id' in node && node.id ? [[node.id.name, { kind: 'function' }]] : []
  const [first, second, ...rest] = node.params
  const elements = elementsFor(node, parent)
  if (elements === null || first?.type !== 'Identifier') {
    return [...own, ...node.params.flatMap(unknowns)]
  }
  const index: Declared[] =
    second?.type === 'Identifier' ? [[second.name, { kind: 'counter' }]] : []
  const others = second === undefined || index.length > 0 ? rest : [second, ...rest]
  return [
    ...own,
    [first.name, { kind: 'element', of: elements }],
    ...index,
    ...others.flatMap(unknowns),
  ]
}

/** What a function is called with each element of, as the first argument of a method of it. */
function elementsFor(node: FunctionNode, parent: AnyNode | null): Expression | null {
  if (parent?.type !== 'CallExpression' || parent.arguments[0] !== node) return null
  const { callee } = parent
  if (callee.type !== 'MemberExpression' || callee.computed) return null
  if (callee.property.type !== 'Identifier' || !EACH.has(callee.property.name)) return null
  return callee.object.type === 'Super' ? null : callee.object
}

function unknowns(pattern: Pattern): Declared[] {
  return namesIn(pattern).map((name) => [name, UNKNOWN_BINDING])
}

function namesIn(pattern: Pattern): string[] {
  if (pattern.type === 'Identifier') return [pattern.name]
  if (pattern.type === 'AssignmentPattern') return namesIn(pattern.left)
  if (pattern.type === 'RestElement') return namesIn(pattern.argument)
  if (pattern.type === 'ArrayPattern') {
    return pattern.elements.flatMap((element) => (element === null ? [] : namesIn(element)))
  }
  if (pattern.type !== 'ObjectPattern') return []
  return pattern.properties.flatMap((property) =>
    namesIn(property.type === 'RestElement' ? property.argument : property.value),
  )
}

/** Where an identifier is a label, the name of a property, or what a declaration declares. */
const NAMED: ReadonlySet<string> = new Set([
  'LabeledStatement',
  'BreakStatement',
  'ContinueStatement',
])

function isUse(node: AnyNode, parent: AnyNode | null): boolean {
  if (parent === null) return true
  if (parent.type === 'MemberExpression') return parent.object === node || parent.computed
  if ('key' in parent && 'computed' in parent) return parent.key !== node || parent.computed
  if (parent.type === 'VariableDeclarator') return parent.init === node
  if (NAMED.has(parent.type)) return false
  return !isFunction(parent) || parent.body === node
}

function settle(binding: Binding, uses: readonly Place[]): Binding {
  const writes = uses.filter(isWrite)
  if (writes.length === 0) return binding
  const isCounter = binding.kind === 'value' && isNumber(binding.from) && writes.every(addsNumber)
  return isCounter ? { kind: 'counter' } : UNKNOWN_BINDING
}

function isWrite({ node, parent, around }: Place): boolean {
  if (parent === null) return false
  // of assignments, of patterns with a default, and of loops
  if ('left' in parent && 'right' in parent && parent.type !== 'BinaryExpression') {
    return parent.left === node && parent.type !== 'LogicalExpression'
  }
  if (parent.type === 'Property') return around?.type === 'ObjectPattern'
  return ['UpdateExpression', 'ArrayPattern', 'RestElement'].includes(parent.type)
}

function isNumber(node: AnyNode): boolean {
  return node.type === 'Literal' && typeof node.value === 'number'
}

function addsNumber({ node, parent }: Place): boolean {
  if (parent?.type === 'UpdateExpression') return true
  if (parent?.type !== 'AssignmentExpression' || parent.left !== node) return false
  return /^[-+*]=$/.test(parent.operator) && isNumber(parent.right)
}
