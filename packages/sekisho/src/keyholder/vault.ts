import type { Action } from '../core/action.ts'
import { Secret } from '../core/secret.ts'
import { type Deny, deny } from '../core/verdict.ts'
import type { CredentialBinding } from '../wire/keyholder.ts'
import { type AwsKeys, readAwsKeys, signingValues } from './aws-keys.ts'

export type Released = { kind: 'released'; values: ReadonlyMap<string, Secret> }

type Held = { secret: Secret; binding: CredentialBinding }

/**
 * The secrets of one session, in memory only, each with the places it may go.
 * The check here is the keyholder's own: it does not take the gate's word for a destination.
 */
export class Vault {
  readonly #held: ReadonlyMap<string, Held>
  readonly #awsKeys: AwsKeys
  readonly #now: () => number

  /**
   * @param now Unix ms
   * @throws SekishoError CONFIG_INVALID for an access key of AWS that nothing can be signed with
   */
  constructor(
    secrets: readonly { binding: CredentialBinding; value: string }[],
    now = (): number => Date.now(),
  ) {
    this.#now = now
    this.#awsKeys = readAwsKeys(secrets)
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
      const released = this.#valuesOf(held, action)
      if (released === undefined) return { ...refuse(UNSIGNABLE), secret: name }
      for (const [what, value] of released) values.set(what, value)
    }
    return { kind: 'released', values }
  }

  /** Of a key that signs, what signs for the host today: undefined for its other parts. */
  #valuesOf({ secret, binding }: Held, action: Action): ReadonlyMap<string, Secret> | undefined {
    if (binding.aws === undefined) return new Map([[secret.name, secret]])
    const key = this.#awsKeys.get(secret.name)
    if (key === undefined || !('host' in action) || action.host === null) return undefined
    return signingValues(key, action.host, this.#now())
  }
}

const UNSIGNABLE = 'of AWS: it signs for hosts whose region and service are known, and is not sent'

function refuse(reason: string): Deny {
  return deny('keyholder.binding', reason)
}

function whyNot(binding: CredentialBinding, action: Action): string | undefined {
  // an install is a request too, at a registry that may want a token, and so is a model's call
  if (!isRequest(action)) {
    return `bound to HTTP requests, not to ${action.kind}`
  }
  // over plain HTTP anyone on the way reads it
  if (action.scheme !== 'https') return 'bound to https'
  if (action.port !== binding.port) return `bound to port ${binding.port}, not ${action.port}`
  if (!binding.hosts.some((pattern) => isBound(pattern, action.host))) {
    return `bound to ${binding.hosts.join(', ')}, not to ${action.host}`
  }
  if (binding.under !== undefined && !isUnder(action, binding.under)) {
    return `bound to paths that begin with ${binding.under}`
  }
  return undefined
}

/** What a request means leaves its path out, and so is under none. */
function isUnder(action: Action, under: string): boolean {
  return action.kind === 'http.request' && action.path.startsWith(under)
}

function isRequest(
  action: Action,
): action is Extract<Action, { kind: 'http.request' | 'package.install' | 'llm.generate' }> {
  return ['http.request', 'package.install', 'llm.generate'].includes(action.kind)
}

/** `*.name` is any name below `name`, never `name` itself. */
function isBound(pattern: string, host: string): boolean {
  if (!pattern.startsWith('*.')) return host === pattern
  return host.endsWith(pattern.slice(1)) && host.length > pattern.length - 1
}
