import type { CedarVariable } from '../../wire/cedar.ts'
import type { AttributePath } from '../../wire/cedar-node.ts'
import { compileAttribute } from './attributes.ts'
import { type Code, dynamicCode, type Run } from './code.ts'

/** So that a decision's slots are few, however many policies there are. */
const MAX_SLOTS = 64

export const VARIABLES: Readonly<Record<CedarVariable, Run>> = {
  principal: ({ principal }) => principal,
  action: ({ action }) => action,
  resource: ({ resource }) => resource,
  context: ({ context }) => context,
}

/**
 * The attributes of variables that one engine's policies read. A thousand policies read the same
 * few, so each is looked up once in a decision: what it came to, a fault too, is kept in a slot.
 */
export class SharedPaths {
  readonly #codes = new Map<string, Code>()
  #slots = 0

  /** slots that an environment has to have */
  get slots(): number {
    return this.#slots
  }

  codeOf({ variable, path }: AttributePath): Code {
    const name = path.at(-1)
    if (name === undefined) return dynamicCode(VARIABLES[variable])
    const key = JSON.stringify([variable, path])
    const known = this.#codes.get(key)
    if (known !== undefined) return known
    const isOfContext = variable === 'context' && path.length === 1
    const base = isOfContext ? null : this.codeOf({ variable, path: path.slice(0, -1) })
    const code = this.#kept(compileAttribute(base, name))
    this.#codes.set(key, code)
    return code
  }

  #kept({ run, constant }: Code): Code {
    if (this.#slots >= MAX_SLOTS) return { run, constant }
    const slot = this.#slots++
    return dynamicCode((environment) => {
      const known = environment.slots[slot]
      if (known !== undefined) return known
      const outcome = run(environment)
      environment.slots[slot] = outcome
      return outcome
    })
  }
}
