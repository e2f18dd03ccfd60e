import type { Ecosystem, PackageCheck, PackageException } from '../../wire/packages.ts'

/** What an exception says of one package: nothing, that a check does not hold, or that it did not. */
export type Excused = { kind: 'no' } | { kind: 'yes' } | { kind: 'expired'; atMs: number }

export type ExceptionQuery = {
  ecosystem: Ecosystem
  name: string
  version: string
  check: PackageCheck
  nowMs: number
}

type Compiled = PackageException & { matches: (name: string) => boolean }

/** The exceptions of one session, compiled once. */
export class PackageExceptions {
  readonly #exceptions: readonly Compiled[]

  constructor(exceptions: readonly PackageException[]) {
    this.#exceptions = exceptions.map((exception) => ({
      ...exception,
      matches: compileNameGlob(exception.name),
    }))
  }

  /** An exception that has expired excuses nothing; a check that it held for says so. */
  find(query: ExceptionQuery): Excused {
    let found: Excused = { kind: 'no' }
    for (const exception of this.#exceptions) {
      if (!isAbout(exception, query)) continue
      const { expiresAtMs } = exception
      if (expiresAtMs === null || query.nowMs < expiresAtMs) return { kind: 'yes' }
      found = { kind: 'expired', atMs: expiresAtMs }
    }
    return found
  }
}

function isAbout(
  exception: Compiled,
  { ecosystem, name, version, check }: ExceptionQuery,
): boolean {
  const { versions, checks } = exception
  return (
    (exception.ecosystem === null || exception.ecosystem === ecosystem) &&
    checks.includes(check) &&
    (versions.length === 0 || versions.includes(version)) &&
    exception.matches(name)
  )
}

/**
 * `*` is any characters but `/`, so that `*` names no scoped package and `@scope/*` all of one
 * scope. The leftmost place for each part leaves the most room for the next: no way back, so the
 * time is linear.
 */
function compileNameGlob(glob: string): (name: string) => boolean {
  if (!glob.includes('*')) return (name) => name === glob
  const segments = glob.split('/').map((segment) => segment.split(/\*+/))
  return (name) => {
    const parts = name.split('/')
    return (
      parts.length === segments.length &&
      segments.every((literals, index) => matchesSegment(literals, parts[index] ?? ''))
    )
  }
}

function matchesSegment(literals: readonly string[], text: string): boolean {
  const first = literals[0] ?? ''
  if (literals.length === 1) return text === first
  const last = literals.at(-1) ?? ''
  const end = text.length - last.length
  if (end < first.length || !text.startsWith(first) || !text.endsWith(last)) return false
  let from = first.length
  for (const literal of literals.slice(1, -1)) {
    const found = text.indexOf(literal, from)
    if (found === -1) return false
    from = found + literal.length
  }
  return from <= end
}
