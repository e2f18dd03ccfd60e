import type { HostLabel } from '../../wire/decision.ts'

/** Anybody may have written what it says, and what it is told is told. */
const STRANGE: Omit<HostLabel, 'host'> = {
  integrity: 'untrusted',
  confidentiality: 'public',
  external: true,
  groups: [],
}

/** What the operator says of hosts: the most exact pattern counts. */
export class HostLabels {
  readonly #byPattern = new Map<string, HostLabel>()

  constructor(labels: readonly HostLabel[]) {
    for (const label of labels) this.#byPattern.set(label.host, label)
  }

  /** The most confidential that an answer can be; one to a credential is internal. */
  get worst(): 'internal' | 'secret' {
    const isSecret = [...this.#byPattern.values()].some(
      ({ confidentiality }) => confidentiality === 'secret',
    )
    return isSecret ? 'secret' : 'internal'
  }

  find(host: string): Omit<HostLabel, 'host'> {
    if (this.#byPattern.size === 0) return STRANGE
    const exact = this.#byPattern.get(host)
    if (exact !== undefined) return exact
    for (let dot = host.indexOf('.', 1); dot !== -1; dot = host.indexOf('.', dot + 1)) {
      const below = this.#byPattern.get(`*${host.slice(dot)}`)
      if (below !== undefined) return below
    }
    return STRANGE
  }
}
