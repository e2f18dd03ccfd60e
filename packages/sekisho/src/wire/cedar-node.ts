import type { CedarValueJson, CedarVariable, Expr, PatternElement } from './cedar.ts'
import {
  BINARY_OPERATORS,
  type BinaryOperator,
  EXTENSION_FUNCTIONS,
  type ExtensionFunction,
  UNARY_OPERATORS,
  type UnaryOperator,
} from './cedar-words.ts'

/** An expression with its kind in one place, to `switch` over. */
export type CedarNode =
  | { kind: 'value'; value: CedarValueJson }
  | { kind: 'variable'; name: CedarVariable }
  | { kind: 'binary'; operator: BinaryOperator; left: Expr; right: Expr }
  | { kind: 'unary'; operator: UnaryOperator; arg: Expr }
  | { kind: 'attribute'; left: Expr; name: string }
  /** `has a.b.c` has a path of three */
  | { kind: 'has'; left: Expr; path: readonly string[] }
  | { kind: 'like'; left: Expr; pattern: readonly PatternElement[] }
  | { kind: 'is'; left: Expr; entityType: string; in: Expr | null }
  | { kind: 'if'; condition: Expr; yes: Expr; no: Expr }
  | { kind: 'set'; items: readonly Expr[] }
  | { kind: 'record'; entries: readonly (readonly [key: string, value: Expr])[] }
  | { kind: 'call'; function: ExtensionFunction; args: readonly Expr[] }

type Members<E> = E extends unknown ? keyof E : never
/** Every key that any expression has, each of them perhaps. */
type Open = {
  readonly [K in Members<Expr>]?: Extract<Expr, { readonly [P in K]: unknown }>[K]
}

/**
 * What an expression is.
 *
 * @throws TypeError for what the schema `Expr` does not let through
 */
export function nodeOf(expr: Expr): CedarNode {
  const node = leafOf(expr) ?? branchOf(expr) ?? operatorOf(expr)
  if (node === null) throw new TypeError('not an expression of Cedar’s JSON form')
  return node
}

function leafOf(expr: Expr): CedarNode | null {
  if ('Value' in expr) return { kind: 'value', value: expr.Value }
  if ('Var' in expr) return { kind: 'variable', name: expr.Var }
  if ('.' in expr) return { kind: 'attribute', left: expr['.'].left, name: expr['.'].attr }
  if ('like' in expr) return { kind: 'like', ...expr.like }
  if ('has' in expr) {
    const { left, attr } = expr.has
    return { kind: 'has', left, path: typeof attr === 'string' ? [attr] : attr }
  }
  return null
}

function branchOf(expr: Expr): CedarNode | null {
  if ('is' in expr) {
    const { left, entity_type: entityType, in: container } = expr.is
    return { kind: 'is', left, entityType, in: container ?? null }
  }
  if ('if-then-else' in expr) {
    const branches = expr['if-then-else']
    return { kind: 'if', condition: branches.if, yes: branches.then, no: branches.else }
  }
  if ('Set' in expr) return { kind: 'set', items: expr.Set }
  if ('Record' in expr) return { kind: 'record', entries: Object.entries(expr.Record) }
  return null
}

function operatorOf(expr: Expr): CedarNode | null {
  const open: Open = expr
  for (const operator of BINARY_OPERATORS) {
    const two = open[operator]
    if (two !== undefined) return { kind: 'binary', operator, ...two }
  }
  for (const operator of UNARY_OPERATORS) {
    const one = open[operator]
    if (one !== undefined) return { kind: 'unary', operator, ...one }
  }
  for (const name of EXTENSION_FUNCTIONS) {
    const args = open[name]
    if (args !== undefined) return { kind: 'call', function: name, args }
  }
  return null
}

type Of<K extends CedarNode['kind']> = Extract<CedarNode, { kind: K }>
type Listing = Of<'value' | 'variable' | 'set' | 'record' | 'call'>

/** The expressions that one is made of, in the order in which they are evaluated. */
export function operandsOf(node: CedarNode): readonly Expr[] {
  if (isListing(node)) return listedIn(node)
  switch (node.kind) {
    case 'binary':
      return [node.left, node.right]
    case 'unary':
      return [node.arg]
    case 'if':
      return [node.condition, node.yes, node.no]
    case 'is':
      return node.in === null ? [node.left] : [node.left, node.in]
    case 'attribute':
    case 'has':
    case 'like':
      return [node.left]
  }
}

const LISTINGS: readonly CedarNode['kind'][] = ['value', 'variable', 'set', 'record', 'call']

function isListing(node: CedarNode): node is Listing {
  return LISTINGS.includes(node.kind)
}

function listedIn(node: Listing): readonly Expr[] {
  switch (node.kind) {
    case 'set':
      return node.items
    case 'record':
      return node.entries.map(([, value]) => value)
    case 'call':
      return node.args
    case 'value':
    case 'variable':
      return []
  }
}

export type AttributePath = { variable: CedarVariable; path: readonly string[] }

/** What `context.a.b` or `resource.name` is of; null for an expression of another form. */
export function attributePathOf(expr: Expr): AttributePath | null {
  if ('Var' in expr) return { variable: expr.Var, path: [] }
  if (!('.' in expr)) return null
  const base = attributePathOf(expr['.'].left)
  return base === null ? null : { ...base, path: [...base.path, expr['.'].attr] }
}
