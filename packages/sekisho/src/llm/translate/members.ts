import { isObject } from '../hold/json-object.ts'
import { Untranslatable } from './untranslatable.ts'

/** One reading of a request: what was looked into, and the hints that were left out. */
export class Reading {
  readonly dropped = new Set<string>()
  readonly #opened: Members[] = []

  /** @throws Untranslatable for what is no object */
  open(value: unknown, path: string): Members {
    const members = new Members(value, path, this)
    this.#opened.push(members)
    return members
  }

  /** @throws Untranslatable for the first member of anything that nobody has taken */
  close(): void {
    for (const members of this.#opened) members.close()
  }
}

/**
 * Members of one object, each of which is taken, or left out as a hint, or refused by its name:
 * nothing is dropped unseen.
 */
export class Members {
  readonly path: string
  readonly #left: Map<string, unknown>
  readonly #reading: Reading

  /** @throws Untranslatable for what is no object */
  constructor(value: unknown, path: string, reading: Reading) {
    if (!isObject(value)) throw new Untranslatable(path, 'no object')
    this.path = path
    this.#left = new Map(Object.entries(value))
    this.#reading = reading
  }

  at(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`
  }

  /** undefined for what is left out, and for null */
  take(name: string): unknown {
    const value = this.#left.get(name) ?? undefined
    this.#left.delete(name)
    return value
  }

  /** @throws Untranslatable for what is no text */
  text(name: string): string | undefined {
    const value = this.take(name)
    if (value === undefined || typeof value === 'string') return value
    throw new Untranslatable(this.at(name), 'no text')
  }

  needText(name: string): string {
    const value = this.text(name)
    if (value === undefined) throw new Untranslatable(this.at(name), 'left out')
    return value
  }

  number(name: string): number | null {
    const value = this.take(name) ?? null
    if (value === null || typeof value === 'number') return value
    throw new Untranslatable(this.at(name), 'no number')
  }

  flag(name: string): boolean | null {
    const value = this.take(name) ?? null
    if (value === null || typeof value === 'boolean') return value
    throw new Untranslatable(this.at(name), 'neither true nor false')
  }

  /** Empty for one that is left out. */
  list(name: string): readonly unknown[] {
    const value = this.take(name) ?? []
    if (Array.isArray(value)) return value
    throw new Untranslatable(this.at(name), 'no list')
  }

  inner(name: string): Members | undefined {
    const value = this.take(name)
    return value === undefined ? undefined : this.#reading.open(value, this.at(name))
  }

  /** Hints: the request means the same without them. */
  drop(names: readonly string[]): void {
    for (const name of names) {
      if (this.take(name) === undefined) continue
      this.#reading.dropped.add(name)
    }
  }

  /** Leaves out all of it, as a hint of this name. */
  skip(name: string): void {
    this.#left.clear()
    this.#reading.dropped.add(name)
  }

  /** @throws Untranslatable for the first member that nobody has taken */
  close(): void {
    for (const [name, value] of this.#left) {
      const saysNothing = value === null || value === false || isEmpty(value)
      if (!saysNothing) throw new Untranslatable(this.at(name), 'not known in the other format')
    }
  }
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0
}

/** Each of a list's elements with its path. */
export function each(list: readonly unknown[], path: string): { value: unknown; path: string }[] {
  return list.map((value, index) => ({ value, path: `${path}[${index}]` }))
}
