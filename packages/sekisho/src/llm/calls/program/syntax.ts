import { type AnyNode, parse, type Program } from 'acorn'
import { Unreadable } from '../unreadable.ts'

/** UTF-16 units; what a model writes by hand is far shorter. */
const MAX_PROGRAM = 65_536

/**
 * The syntax tree of a program as Codex runs it: an async module. OpenClaw's may return a value.
 *
 * @throws Unreadable for what is no JavaScript
 */
export function parseProgram(code: string): Program {
  if (code.length > MAX_PROGRAM) {
    throw new Unreadable(`a program of more than ${MAX_PROGRAM} characters`)
  }
  try {
    return parse(code, {
      ecmaVersion: 'latest',
      sourceType: 'module',
      allowReturnOutsideFunction: true,
    })
  } catch (thrown) {
    if (thrown instanceof SyntaxError) throw new Unreadable('a program that is no JavaScript')
    if (thrown instanceof RangeError) throw new Unreadable('a program that is nested too deep')
    throw thrown
  }
}

/** A node with the one around it and the one around that. */
export type Place = { node: AnyNode; parent: AnyNode | null; around: AnyNode | null }

/** Every node, outer ones first. */
export function allPlaces(program: Program): Place[] {
  const places: Place[] = [{ node: program, parent: null, around: null }]
  // grows while it is walked
  for (const { node, parent } of places) {
    for (const child of childrenOf(node)) places.push({ node: child, parent: node, around: parent })
  }
  return places
}

export type FunctionNode = Extract<
  AnyNode,
  { type: 'FunctionDeclaration' | 'FunctionExpression' | 'ArrowFunctionExpression' }
>

export function isFunction(node: AnyNode): node is FunctionNode {
  return (
    node.type === 'FunctionDeclaration' ||
    node.type === 'FunctionExpression' ||
    node.type === 'ArrowFunctionExpression'
  )
}

function childrenOf(node: AnyNode): AnyNode[] {
  const children: AnyNode[] = []
  for (const name in node) {
    const value: unknown = Reflect.get(node, name)
    if (Array.isArray(value)) children.push(...value.filter(isNode))
    else if (isNode(value)) children.push(value)
  }
  return children
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value
}
