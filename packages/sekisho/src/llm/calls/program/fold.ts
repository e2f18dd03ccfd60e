import type {
  AnyNode,
  BinaryExpression,
  CallExpression,
  Expression,
  MemberExpression,
  Property,
  SpreadElement,
} from 'acorn'
import { type ArgumentMembers, type ArgumentValue, UNKNOWN } from '../argument-value.ts'
import type { Names } from './bindings.ts'
import { isFunction, type Place } from './syntax.ts'

/** Values that one expression may have; above it nobody follows them. */
const MAX_VALUES = 16
/** Expressions within expressions, names followed to what they stand for. */
const MAX_DEPTH = 64
/** Items of a list, and of what is in it. */
const MAX_ITEMS = 256
/** UTF-16 units of a text that is put together. */
const MAX_TEXT = 65_536

/** `__proto__: x` sets no member, and what `toJSON` returns is what a tool gets of the whole object. */
const NO_MEMBERS: ReadonlySet<string | number> = new Set(['__proto__', 'toJSON'])

const NOBODY_KNOWS: readonly ArgumentValue[] = [UNKNOWN]

/**
 * What expressions of a program come to without running it: texts, numbers, objects and arrays that
 * stand there, put together by what cannot mean anything else. All else is {@link UNKNOWN}.
 *
 * Several values are those that it may have, as in a loop. Sound as long as nothing changes what
 * `join` and its like do, which `hidden.ts` sees to.
 */
export class Folder {
  readonly #names: Names
  #depth = 0
  readonly #known = new Map<AnyNode, readonly ArgumentValue[]>()

  constructor(names: Names) {
    this.#names = names
  }

  valuesOf(node: AnyNode): readonly ArgumentValue[] {
    const known = this.#known.get(node)
    if (known !== undefined) return known
    // a value that depends on itself, or on too many others
    this.#known.set(node, NOBODY_KNOWS)
    if (this.#depth >= MAX_DEPTH) return NOBODY_KNOWS
    this.#depth += 1
    const values = bound(this.#fold(node))
    this.#depth -= 1
    this.#known.set(node, values)
    return values
  }

  /** The texts that a property's name may have; undefined where one is not known. */
  nameOf(node: AnyNode, isComputed: boolean): string | number | undefined {
    if (!isComputed && node.type === 'Identifier') return node.name
    const [value, ...others] = this.valuesOf(node)
    const isName = typeof value === 'string' || typeof value === 'number'
    return isName && others.length === 0 ? value : undefined
  }

  #fold(node: AnyNode): readonly ArgumentValue[] {
    if (node.type === 'Literal') return isPlain(node.value) ? [node.value] : NOBODY_KNOWS
    if (node.type === 'Identifier') return this.#name(node.name)
    if (node.type === 'MemberExpression') return this.#member(node)
    if (node.type === 'CallExpression') return this.#call(node)
    if (node.type === 'ObjectExpression') return this.#object(node.properties)
    if (node.type === 'ArrayExpression') return this.#array(node.elements)
    return this.#foldEither(node) ?? this.#foldText(node) ?? NOBODY_KNOWS
  }

  #foldEither(node: AnyNode): readonly ArgumentValue[] | undefined {
    if (node.type === 'ConditionalExpression') {
      return [...this.valuesOf(node.consequent), ...this.valuesOf(node.alternate)]
    }
    if (node.type !== 'LogicalExpression') return undefined
    return [...this.valuesOf(node.left), ...this.valuesOf(node.right)]
  }

  #foldText(node: AnyNode): readonly ArgumentValue[] | undefined {
    if (node.type === 'TaggedTemplateExpression') return this.#raw(node.tag, node.quasi)
    if (node.type === 'BinaryExpression' && node.operator === '+') return this.#sum(node)
    if (node.type !== 'TemplateLiteral') return undefined
    const values = this.#joinAll(
      node.quasis.flatMap(({ value }, i): (string | AnyNode)[] => {
        const expression = node.expressions[i]
        return [value.cooked ?? '', ...(expression === undefined ? [] : [expression])]
      }),
    )
    return values
  }

  /** `a + b + c` at once: it may be long. Numbers before the first text would be added up. */
  #sum(node: BinaryExpression): readonly ArgumentValue[] {
    const parts: AnyNode[] = []
    let left: AnyNode = node
    while (left.type === 'BinaryExpression' && left.operator === '+') {
      parts.unshift(left.right)
      left = left.left
    }
    const [first, second] = [left, ...parts].map((part) => this.valuesOf(part))
    const isText = [first, second].some((values) =>
      values?.every((value) => typeof value === 'string'),
    )
    return isText ? this.#joinAll([left, ...parts]) : NOBODY_KNOWS
  }

  #joinAll(parts: readonly (string | AnyNode)[]): readonly ArgumentValue[] {
    const lists = parts.map((part) => (typeof part === 'string' ? [part] : this.valuesOf(part)))
    return product(lists).map((values) => (values.every(isTextual) ? values.join('') : UNKNOWN))
  }

  #object(properties: readonly (Property | SpreadElement)[]): readonly ArgumentValue[] {
    const members: (readonly ArgumentMembers[])[] = []
    for (const property of properties) {
      const list = this.#membersOf(property)
      if (list === undefined) return NOBODY_KNOWS
      members.push(list)
    }
    return product(members).map((parts) => Object.assign({}, ...parts))
  }

  #membersOf(property: Property | SpreadElement): readonly ArgumentMembers[] | undefined {
    if (property.type === 'SpreadElement') return objectsOnly(this.valuesOf(property.argument))
    const name = this.nameOf(property.key, property.computed)
    if (property.kind !== 'init' || name === undefined || NO_MEMBERS.has(name)) return undefined
    return this.valuesOf(property.value).map((value) => Object.fromEntries([[name, value]]))
  }

  #array(elements: readonly (Expression | SpreadElement | null)[]): readonly ArgumentValue[] {
    const parts: (readonly ArgumentValue[][])[] = []
    for (const element of elements) {
      if (element === null) return NOBODY_KNOWS
      const isSpread = element.type === 'SpreadElement'
      const values = this.valuesOf(isSpread ? element.argument : element)
      const lists = isSpread ? arraysOnly(values) : values.map((value): ArgumentValue[] => [value])
      if (lists === undefined) return NOBODY_KNOWS
      parts.push(lists)
    }
    return product(parts).map((lists) => lists.flat())
  }

  #name(name: string): readonly ArgumentValue[] {
    const values = this.#boundValues(name)
    if (values === undefined || values.every(isScalar)) return values ?? NOBODY_KNOWS
    // what a name stands for can be changed through it, and what is in that through other names
    return values.every(isFlat) && this.#isOnlyRead(name) ? values : NOBODY_KNOWS
  }

  #boundValues(name: string): readonly ArgumentValue[] | undefined {
    const binding = this.#names.bindings.get(name)
    if (binding?.kind === 'value') return this.valuesOf(binding.from)
    return binding?.kind === 'element' ? arraysOnly(this.valuesOf(binding.of))?.flat() : undefined
  }

  #isOnlyRead(name: string): boolean {
    return (this.#names.uses.get(name) ?? []).every(isReadOnly)
  }

  #member(node: MemberExpression): readonly ArgumentValue[] {
    const name =
      node.property.type === 'PrivateIdentifier'
        ? undefined
        : this.nameOf(node.property, node.computed)
    if (name === undefined || node.object.type === 'Super') return NOBODY_KNOWS
    return this.valuesOf(node.object).map((value) => {
      const isOwn = typeof value === 'object' && value !== null && Object.hasOwn(value, name)
      if (!isOwn || name === 'length') return UNKNOWN
      return (Array.isArray(value) ? value[Number(name)] : value[String(name)]) ?? UNKNOWN
    })
  }

  /** `[…].join(' ')` */
  #call({ callee, arguments: args }: CallExpression): readonly ArgumentValue[] {
    if (callee.type !== 'MemberExpression' || callee.computed) return NOBODY_KNOWS
    if (callee.property.type !== 'Identifier' || callee.property.name !== 'join')
      return NOBODY_KNOWS
    const [separator] = args
    const separators = separator === undefined ? [','] : this.valuesOf(separator)
    return product([this.valuesOf(callee.object), separators]).map(([list, between]) => {
      if (!Array.isArray(list) || typeof between !== 'string') return UNKNOWN
      const texts = list.filter(isTextual)
      return texts.length === list.length ? texts.join(between) : UNKNOWN
    })
  }

  /** ``String.raw`…` ``, which is how lines with backslashes are written. */
  #raw(
    tag: AnyNode,
    quasi: Extract<AnyNode, { type: 'TemplateLiteral' }>,
  ): readonly ArgumentValue[] {
    const isRaw =
      tag.type === 'MemberExpression' &&
      tag.object.type === 'Identifier' &&
      tag.object.name === 'String' &&
      !this.#names.bindings.has('String') &&
      this.nameOf(tag.property, tag.computed) === 'raw'
    if (!isRaw || quasi.expressions.length > 0) return NOBODY_KNOWS
    return [quasi.quasis.map(({ value }) => value.raw).join('')]
  }
}

/** A use that leaves an object as it is: read, gone through, or handed to a tool as JSON. */
function isReadOnly({ node, parent, around }: Place): boolean {
  if (parent?.type === 'MemberExpression') {
    return parent.object === node && isHarmlessMember(parent, around)
  }
  if (parent?.type === 'ForOfStatement') return parent.right === node
  if (parent?.type === 'CallExpression') return parent.callee !== node && isToolCall(parent)
  return parent?.type === 'SpreadElement'
}

const HARMLESS: ReadonlySet<string> = new Set(['join', 'map', 'forEach'])

/** What takes the value of a member and cannot give it another. */
const READS: ReadonlySet<string> = new Set([
  'TemplateLiteral',
  'BinaryExpression',
  'LogicalExpression',
  'ConditionalExpression',
  'VariableDeclarator',
  'AwaitExpression',
  'ArrayExpression',
  'IfStatement',
  // in an object that is built; as a target of a pattern it is `hidden.ts` that stops
  'Property',
])

function isHarmlessMember(member: MemberExpression, around: AnyNode | null): boolean {
  if (around === null) return false
  if (around.type !== 'CallExpression') return READS.has(around.type)
  return around.callee !== member || isHarmlessCall(member, around)
}

function isHarmlessCall({ property, computed }: MemberExpression, call: CallExpression): boolean {
  if (computed || property.type !== 'Identifier' || !HARMLESS.has(property.name)) return false
  const [first] = call.arguments
  return property.name === 'join' || (first !== undefined && takesNoArray(first))
}

/** A third parameter would be the array itself. */
function takesNoArray(callback: AnyNode): boolean {
  if (!isFunction(callback)) return false
  const { params } = callback
  return params.length < 3 && params.every(({ type }) => type !== 'RestElement')
}

function isToolCall({ callee }: CallExpression): boolean {
  return (
    callee.type === 'MemberExpression' &&
    callee.object.type === 'Identifier' &&
    callee.object.name === 'tools'
  )
}

function bound(values: readonly ArgumentValue[]): readonly ArgumentValue[] {
  const isMany = values.length > MAX_VALUES || values.length === 0
  return isMany || values.some(isLarge) ? NOBODY_KNOWS : values
}

function isLarge(value: ArgumentValue): boolean {
  if (typeof value === 'string') return value.length > MAX_TEXT
  return Array.isArray(value) && value.length > MAX_ITEMS
}

/** One of each, in every way; a single empty way for nothing. */
function product<T>(lists: readonly (readonly T[])[]): T[][] {
  let ways: T[][] = [[]]
  for (const list of lists) {
    ways = ways.flatMap((way) => list.map((one) => [...way, one]))
    if (ways.length > MAX_VALUES) return ways
  }
  return ways
}

function isPlain(value: unknown): value is string | number | boolean | null {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value)
}

function isTextual(value: ArgumentValue): value is string | number {
  return typeof value === 'string' || typeof value === 'number'
}

function isScalar(value: ArgumentValue): boolean {
  return value === UNKNOWN || value === null || typeof value !== 'object'
}

/** Holds nothing that can be changed without being named. */
function isFlat(value: ArgumentValue): boolean {
  return isScalar(value) || Object.values(value ?? {}).every(isScalar)
}

/** undefined where one of them is something else, or not known */
function arraysOnly(values: readonly ArgumentValue[]): ArgumentValue[][] | undefined {
  const lists = values.filter((value): value is ArgumentValue[] => Array.isArray(value))
  return lists.length === values.length ? lists : undefined
}

function objectsOnly(values: readonly ArgumentValue[]): ArgumentMembers[] | undefined {
  const isObject = (value: ArgumentValue): value is { [name: string]: ArgumentValue } =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
  const objects = values.filter(isObject)
  return objects.length === values.length ? objects : undefined
}
