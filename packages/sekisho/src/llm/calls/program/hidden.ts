import type { AnyNode, CallExpression, MemberExpression } from 'acorn'
import type { Names } from './bindings.ts'
import type { Folder } from './fold.ts'
import { isFunction, type Place } from './syntax.ts'

/**
 * Names that a program may use without declaring them: what Codex and OpenClaw give it, and those of
 * the language that lead to nothing else. Whatever is not here may be a way to the tools.
 */
const FREE: ReadonlySet<string> = new Set(
  (
    'text image audio generatedImage store load notify exit yield_control clearTimeout ALL_TOOLS ' +
    'undefined NaN Infinity JSON Math Array String Number Boolean Promise Date RegExp Map Set ' +
    'Error TypeError RangeError SyntaxError BigInt parseInt parseFloat isNaN isFinite ' +
    'encodeURIComponent decodeURIComponent encodeURI decodeURI structuredClone console ' +
    'TextEncoder TextDecoder URL URLSearchParams atob btoa'
  ).split(' '),
)

/** What of `Object` cannot reach what is not in plain sight. */
const OBJECT: ReadonlySet<string> = new Set(
  'keys values entries fromEntries freeze assign is'.split(' '),
)

/**
 * Properties that lead from any value to the function that makes functions from text, or change what
 * other values do.
 */
const REACHING: ReadonlySet<string> = new Set(
  (
    'constructor prototype __proto__ __defineGetter__ __defineSetter__ __lookupGetter__ ' +
    '__lookupSetter__ caller callee prepareStackTrace captureStackTrace'
  ).split(' '),
)

/** Nodes by which code, or names, come from elsewhere. */
const OPAQUE: ReadonlySet<string> = new Set([
  'ImportExpression',
  'ImportDeclaration',
  'ExportAllDeclaration',
  'ExportNamedDeclaration',
  'ExportDefaultDeclaration',
  'MetaProperty',
  'ThisExpression',
  'Super',
  'ClassDeclaration',
  'ClassExpression',
  'WithStatement',
  'PrivateIdentifier',
])

type Known = { names: Names; folder: Folder }

/**
 * Whether a program may call a tool in a way that cannot be seen in its text, and how; null where it
 * cannot. Errs on the side of yes: allowed is what is known to be harmless.
 */
export function hiddenWay(places: readonly Place[], known: Known): string | null {
  if (known.names.bindings.has('tools')) return 'declares `tools`'
  for (const place of places) {
    const way = wayOf(place, known)
    if (way !== null) return way
  }
  return null
}

function wayOf(place: Place, known: Known): string | null {
  const { node } = place
  if (OPAQUE.has(node.type)) return `uses ${node.type}`
  if (node.type === 'Identifier') return wayOfName(node.name, place, known)
  if (node.type === 'MemberExpression') return wayOfMember(node, place, known)
  return node.type === 'Property' ? wayOfKey(node.key, node.computed, known) : null
}

function wayOfName(name: string, place: Place, { names }: Known): string | null {
  const isUse = names.uses.get(name)?.some((use) => use.node === place.node) === true
  if (!isUse || names.bindings.has(name)) return null
  const isHarmless = GUARDED.get(name)
  if (isHarmless !== undefined) return isHarmless(place) ? null : `uses \`${name}\` by itself`
  if (!FREE.has(name)) return `uses \`${name.slice(0, 64)}\``
  return isWrittenTo(place) ? `changes \`${name}\`` : null
}

/** Names that are harmless in one place only. */
const GUARDED: ReadonlyMap<string, (place: Place) => boolean> = new Map([
  ['tools', isDirectCall],
  ['Object', isObjectCall],
  ['setTimeout', isTimer],
])

/** `tools.name(…)`, which is looked at where the calls are. */
function isDirectCall({ node, parent, around }: Place): boolean {
  if (parent?.type !== 'MemberExpression' || parent.object !== node) return false
  return around?.type === 'CallExpression' && around.callee === parent
}

function isObjectCall({ node, parent }: Place): boolean {
  if (parent?.type !== 'MemberExpression' || parent.object !== node || parent.computed) return false
  return parent.property.type === 'Identifier' && OBJECT.has(parent.property.name)
}

/** As in a promise that is kept after a while, whose parameter the language gives. */
function isTimer({ node, parent }: Place): boolean {
  if (parent?.type !== 'CallExpression' || parent.callee !== node) return false
  const [callback] = parent.arguments
  return callback !== undefined && (isFunction(callback) || callback.type === 'Identifier')
}

function isWrittenTo({ node, parent, around }: Place): boolean {
  return isTarget(parent, node) || isTarget(around, parent)
}

function isTarget(around: AnyNode | null, node: AnyNode | null): boolean {
  if (around?.type === 'AssignmentExpression') return around.left === node
  if (around?.type === 'UpdateExpression') return true
  return around?.type === 'UnaryExpression' && around.operator === 'delete'
}

function wayOfMember(
  { property, computed }: MemberExpression,
  { parent, around }: Place,
  known: Known,
): string | null {
  if (isPatternTarget(parent, around)) return 'assigns to members by a pattern'
  if (computed && isNumeric(property, known.names)) return null
  return wayOfKey(property, computed, known)
}

/** Such a target is written to without looking like it. */
function isPatternTarget(parent: AnyNode | null, around: AnyNode | null): boolean {
  if (parent?.type === 'Property') return around?.type === 'ObjectPattern'
  return parent?.type === 'ArrayPattern' || parent?.type === 'AssignmentPattern'
}

function wayOfKey(key: AnyNode, isComputed: boolean, { folder }: Known): string | null {
  const name = folder.nameOf(key, isComputed)
  if (name === undefined) return 'a property whose name is worked out'
  return REACHING.has(String(name)) ? `uses \`${name}\`` : null
}

const ARITHMETIC = /^(?:[-*/%|&^]|\*\*|<<|>>>?)$/

/** An index, and so the name of no function. */
function isNumeric(node: AnyNode, names: Names): boolean {
  if (node.type === 'Literal') return typeof node.value === 'number'
  if (node.type === 'Identifier') return names.bindings.get(node.name)?.kind === 'counter'
  if (node.type === 'UnaryExpression') return /^[-+~]$/.test(node.operator)
  if (node.type !== 'BinaryExpression') return node.type === 'UpdateExpression'
  if (node.operator !== '+') return ARITHMETIC.test(node.operator)
  return isNumeric(node.left, names) && isNumeric(node.right, names)
}

/** The name of the tool that a call calls; undefined for a call of something else. */
export function calledTool({ callee }: CallExpression, folder: Folder): string | undefined {
  if (callee.type !== 'MemberExpression') return undefined
  const { object, property, computed } = callee
  if (object.type !== 'Identifier' || object.name !== 'tools') return undefined
  const name = folder.nameOf(property, computed)
  return name === undefined ? undefined : String(name)
}
