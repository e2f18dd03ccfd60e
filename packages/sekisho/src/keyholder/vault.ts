import type { Action } from '../core/action.ts'
import { Secret } from '../core/secret.ts'
import { type Deny, deny } from '../core/verdict.ts'
import type { CredentialBinding } from '../wire/keyholder.ts'

export type Released = { kind: 'released'; values: ReadonlyMap<string, Secret> }

type Held = { secret: Secret; binding: CredentialBinding }

/**
 * The secrets of one session, in memory only, each with the places it may go.
 * The check here is the keyholder's own: it does not take the gate's word for a destination.
 */
export class Vault {
  readonly #held: ReadonlyMap<string, Held>

  constructor(secrets: readonly { binding: CredentialBinding; value: string }[]) {
    this.#held = new Map(
      secrets.map(({ binding, value }) => [
        binding.name,
        { binding, secret: new Secret(binding.name, value) },
      ]),
    )
  }

  /** All of the named secrets or none: an action with half of its credentials is another action. */
  release(names: readonly string[], action: Action): Released | (Deny & { secret: string }) {
    const values = new Map<string, Secret>()
    for (const name of names) {
      const held = this.#held.get(name)
      if (held === undefined) return { ...refuse('the session has no such secret'), secret: name }
      const reason = whyNot(held.binding, action)
      if (reason !== undefined) return { ...refuse(reason), secret: name }
      values.set(name, held.secret)
    }
    return { kind: 'released', values }
  }
}

function refuse(reason: string): Deny {
  return deny('keyholder.binding', reason)
}

function whyNot(binding: CredentialBinding, action: Action): string | undefined {
  // an install is a request too, at a registry that may want a token
  if (action.kind !== 'http.request' && action.kind !== 'package.install') {
    return `bound to HTTP requests, not to ${action.kind}`
  }
  // over plain HTTP anyone on the way reads it
  if (action.scheme !== 'https') return 'bound to https'
  if (action.port !== binding.port) return `bound to port ${binding.port}, not ${action.port}`
  if (!binding.hosts.some((pattern) => isBound(pattern, action.host))) {
    return `bound to ${binding.hosts.join(', ')}, not to ${action.host}`
  }
  return undefined
}

/** `*.name` is any name below `name`, never `name` itself. */
function isBound(pattern: string, host: string): boolean {
  if (!pattern.startsWith('*.')) return host === pattern
  return host.endsWith(pattern.slice(1)) && host.length > pattern.length - 1
}
