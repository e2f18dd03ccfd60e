import { type CedarNode, nodeOf } from '../wire/cedar-node.ts'
import type { CedarValueJson, Expr } from '../wire/cedar.ts'
import type { BinaryOperator } from '../wire/cedar-words.ts'
import { valueOfJson } from '../policy/cedar/value-json.ts'
import { Fault } from '../policy/cedar/value.ts'
import { callExtension } from './encode-extension.ts'
import { binary, isIn, isPredicate, unary } from './encode-operators.ts'
import { type Language, likeLanguage } from './language.ts'
import { recordOf, symbolicOf } from './named-values.ts'
import { sameValue } from './same.ts'
import type { Scene } from './scene.ts'
import {
  FAILURE,
  type Field,
  type Result,
  succeed,
  type Symbolic,
  truth,
  Unencodable,
} from './symbolic.ts'
import { and, bool, FALSE, ifThenElse, match, not, or, type Term, TRUE } from './term.ts'
import type { World } from './world.ts'

/**
 * What an expression comes to, by Cedar's semantics: `fails` is exactly when Cedar has an error.
 *
 * @throws Unencodable where it says what is not encoded, other than in a part that is true or false
 */
export function encodeExpression(expr: Expr, scene: Scene): Result {
  return new Encoder(scene).encode(expr)
}

/** What is asked of one value. */
type Asked = Extract<CedarNode, { kind: 'attribute' | 'has' | 'like' | 'is' }>
type Operated = Extract<CedarNode, { kind: 'unary' | 'binary' | 'if' }>

function isAsked(node: CedarNode): node is Asked {
  return ['attribute', 'has', 'like', 'is'].includes(node.kind)
}

class Encoder {
  readonly #scene: Scene
  readonly #world: World

  constructor(scene: Scene) {
    this.#scene = scene
    this.#world = scene.world
  }

  encode(expr: Expr): Result {
    const node = nodeOf(expr)
    try {
      return this.#node(node)
    } catch (thrown) {
      if (!(thrown instanceof Unencodable) || !isPredicate(node)) throw thrown
      const why = `policy ${this.#scene.policy ?? 'without a name'}: ${thrown.message}`
      return this.#world.opaque(this.#guessKey(expr), why)
    }
  }

  /** The same guess wherever the same expression is about the same request. */
  #guessKey(expr: Expr): object {
    const { principal, action, resource } = this.#scene.bindings
    const names = [principal, action, resource].map((each) =>
      each.kind === 'entity' ? each.place : each.kind,
    )
    const ofPrincipal = JSON.stringify(expr).includes('"Var":"principal"')
    return { expr, names: ofPrincipal ? names : names.slice(1) }
  }

  #node(node: CedarNode): Result {
    if (node.kind === 'unary') {
      return this.#map(this.encode(node.arg), (value) => unary(node.operator, value, this.#world))
    }
    if (node.kind === 'binary') return this.#binary(node)
    if (node.kind === 'if') return this.#if(node)
    return isAsked(node) ? this.#asked(node) : this.#made(node)
  }

  #made(node: Exclude<CedarNode, Asked | Operated>): Result {
    switch (node.kind) {
      case 'value':
        return this.#literal(node.value)
      case 'variable':
        return succeed(this.#scene.bindings[node.name])
      case 'set':
        return this.#all(node.items, (elements) =>
          succeed({ kind: 'set', set: { kind: 'literal', elements } }),
        )
      case 'record':
        return this.#record(node.entries)
      case 'call':
        return this.#all(node.args, (args) => callExtension(node.function, args))
    }
  }

  #asked(node: Asked): Result {
    const left = this.encode(node.left)
    switch (node.kind) {
      case 'attribute':
        return this.#map(left, (value) => this.#attribute(value, node.name))
      case 'has':
        return this.#has(left, node.path)
      case 'like':
        return this.#map(left, (value) => like(value, likeLanguage(node.pattern)))
      case 'is':
        return this.#is(left, node.entityType, node.in)
    }
  }

  #literal(json: CedarValueJson): Result {
    const value = valueOfJson(json)
    return value instanceof Fault ? FAILURE : succeed(symbolicOf(value))
  }

  #record(entries: readonly (readonly [string, Expr])[]): Result {
    const names = entries.map(([name]) => name)
    return this.#all(
      entries.map(([, expr]) => expr),
      (values) => succeed(recordOf(names.map((name, index) => [name, values[index]]))),
    )
  }

  /** Applied to each value that there may be; a failed one stays so. */
  #map(from: Result, change: (value: Symbolic) => Result): Result {
    const { value, fails } = from
    if (fails === TRUE) return FAILURE
    if (value.kind === 'choice') {
      const yes = this.#map(succeed(value.yes), change)
      const no = this.#map(succeed(value.no), change)
      return chosen(value.when, yes, no, fails)
    }
    const changed = change(value)
    return { value: changed.value, fails: or(fails, changed.fails) }
  }

  #all(exprs: readonly Expr[], combine: (values: readonly Symbolic[]) => Result): Result {
    return this.#together(
      exprs.map((expr) => this.encode(expr)),
      combine,
    )
  }

  #together(results: readonly Result[], combine: (values: readonly Symbolic[]) => Result): Result {
    const fails = or(...results.map((result) => result.fails))
    if (fails === TRUE) return FAILURE
    const combined = combine(results.map(({ value }) => value))
    return { value: combined.value, fails: or(fails, combined.fails) }
  }

  #binary(node: Extract<CedarNode, { kind: 'binary' }>): Result {
    const left = this.encode(node.left)
    if (node.operator === '&&' || node.operator === '||') {
      return this.#shortCircuit(node.operator, left, node.right)
    }
    const right = this.encode(node.right)
    if (node.operator === '==' || node.operator === '!=') {
      return this.#together([left, right], ([a, b]) => this.#compare(node.operator, a, b))
    }
    return this.#map(left, (a) =>
      this.#map(right, (b) => binary(node.operator, { a, b, scene: this.#scene })),
    )
  }

  #compare(operator: BinaryOperator, a: Symbolic | undefined, b: Symbolic | undefined): Result {
    if (a === undefined || b === undefined) return FAILURE
    const isSame = sameValue(a, b, this.#world.sets)
    return truth(operator === '==' ? isSame : not(isSame))
  }

  /** The right side is not looked at where the left one decides. */
  #shortCircuit(operator: '&&' | '||', left: Result, rightExpr: Expr): Result {
    const asked = condition(left)
    const decides = operator === '&&' ? not(asked.term) : asked.term
    if (decides === TRUE) return { value: { kind: 'bool', term: asked.term }, fails: asked.fails }
    const right = condition(this.encode(rightExpr))
    const join = operator === '&&' ? and : or
    return {
      value: { kind: 'bool', term: join(asked.term, right.term) },
      fails: or(asked.fails, and(not(decides), right.fails)),
    }
  }

  #if({ condition: test, yes, no }: Extract<CedarNode, { kind: 'if' }>): Result {
    const asked = condition(this.encode(test))
    if (asked.term === TRUE) return withFailure(this.encode(yes), asked.fails)
    if (asked.term === FALSE) return withFailure(this.encode(no), asked.fails)
    return chosen(asked.term, this.encode(yes), this.encode(no), asked.fails)
  }

  #attribute(value: Symbolic, name: string): Result {
    const field = this.#field(value, name)
    if (field === undefined) return FAILURE
    return { value: field.value, fails: not(field.present) }
  }

  #field(value: Symbolic, name: string): Field | undefined {
    if (value.kind === 'record') return value.record.field(name)
    if (value.kind === 'entity') return this.#world.attribute(value, name, this.#scene.types)
    if (value.kind === 'unknown') throw new Unencodable(`what ${value.name} has`)
    return undefined
  }

  #has(from: Result, [name, ...rest]: readonly string[]): Result {
    if (name === undefined) return truth(TRUE)
    return this.#map(from, (value) => {
      if (value.kind !== 'record' && value.kind !== 'entity') return FAILURE
      const field = this.#field(value, name)
      if (field === undefined) return truth(FALSE)
      if (rest.length === 0) return truth(field.present)
      const deeper = condition(this.#has(succeed(field.value), rest))
      return {
        value: { kind: 'bool', term: and(field.present, deeper.term) },
        fails: and(field.present, deeper.fails),
      }
    })
  }

  #is(left: Result, entityType: string, container: Expr | null): Result {
    return this.#map(left, (value) => {
      if (value.kind === 'unknown') throw new Unencodable(`what ${value.name} is`)
      if (value.kind !== 'entity') return FAILURE
      const isType = value.type === entityType
      if (!isType || container === null) return truth(bool(isType))
      return this.#map(this.encode(container), (outer) => isIn(value, outer, this.#scene))
    })
  }
}

function like(value: Symbolic, language: Language): Result {
  if (value.kind === 'unknown') throw new Unencodable(`like of ${value.name}`)
  return value.kind === 'string' ? truth(match(value.term, language)) : FAILURE
}

/** As something to decide by: what is not true or false is a failure. */
export function condition({ value, fails }: Result): { term: Term; fails: Term } {
  if (value.kind === 'bool') return { term: value.term, fails }
  if (value.kind === 'unknown') throw new Unencodable(`whether ${value.name}`)
  if (value.kind !== 'choice') return { term: FALSE, fails: TRUE }
  const [yes, no] = [condition(succeed(value.yes)), condition(succeed(value.no))]
  return {
    term: ifThenElse(value.when, yes.term, no.term),
    fails: or(fails, ifThenElse(value.when, yes.fails, no.fails)),
  }
}

// oxlint-disable-next-line max-params -- the three parts of an if, and what failed before it
function chosen(when: Term, yes: Result, no: Result, failed: Term): Result {
  const fails = or(failed, ifThenElse(when, yes.fails, no.fails))
  const [a, b] = [yes.value, no.value]
  if (yes.fails === TRUE) return { value: b, fails }
  if (no.fails === TRUE) return { value: a, fails }
  if ('term' in a && 'term' in b && a.kind === b.kind) {
    return { value: { kind: a.kind, term: ifThenElse(when, a.term, b.term) }, fails }
  }
  return { value: { kind: 'choice', when, yes: a, no: b }, fails }
}

function withFailure(result: Result, failed: Term): Result {
  return { value: result.value, fails: or(failed, result.fails) }
}
