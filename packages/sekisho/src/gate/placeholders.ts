import type { HttpRequestAction } from '../core/action.ts'
import { matchesHost } from '../core/host.ts'
import type { Deny } from '../core/verdict.ts'
import { spellings } from '../detect/needles.ts'
import { StreamFinder } from '../detect/scan.ts'
import type { Clear, Misuse } from '../flow/ports.ts'
import type { GateCredential } from '../wire/gate.ts'
import {
  type AwsPlaceholder,
  awsPlaceholders,
  inspectSigned,
  inspectSignedBody,
  isSignedBy,
  signAnew,
} from './aws-signature.ts'
import type { Fields } from './http-fields.ts'

const NONE: Clear = { kind: 'clear', credentials: [] }

type Needle = { bytes: Buffer; text: string; credential: GateCredential }

type Leaving = {
  action: HttpRequestAction
  fields: Fields
  body: () => Buffer | null
}

/** Takes the next piece of one request's body; says when a placeholder has gone by. */
export type BodyWatch = (piece: Buffer) => Misuse | undefined

/**
 * The placeholders of one session: where they stand in a request, and the values in their place.
 *
 * A placeholder is worth nothing by itself. One that shows up outside its own header and host says
 * that the agent is being used to carry a credential away. The body to its own host is no such
 * place: an agent that has printed its environment sends what it read to its model with every
 * later call, and no value is ever put into a body.
 */
export class Placeholders {
  readonly #credentials: readonly GateCredential[]
  readonly #needles: readonly Needle[]
  /** those that stand somewhere in a request: a key that signs is itself nowhere */
  readonly #placed: readonly GateCredential[]
  readonly #aws: readonly AwsPlaceholder[]

  constructor(credentials: readonly GateCredential[]) {
    this.#credentials = credentials
    this.#placed = credentials.filter(({ aws }) => aws?.part !== 'key')
    this.#aws = awsPlaceholders(credentials)
    this.#needles = credentials.flatMap((credential) =>
      spellings(credential.placeholder).map((bytes) => ({
        bytes,
        text: bytes.toString('latin1'),
        credential,
      })),
    )
  }

  get isEmpty(): boolean {
    return this.#credentials.length === 0
  }

  /** @param raw name, value, name, value … as the parser gave them */
  inspectHead(action: HttpRequestAction, raw: readonly string[]): Clear | Misuse | Deny {
    if (this.isEmpty) return NONE
    const inUrl = this.#first(urlText(action))
    if (inUrl !== undefined) return misuse(inUrl, 'url')
    const key = this.#awsKey(action)
    const refused = key === undefined ? undefined : inspectSigned(action, raw, key)
    if (refused !== undefined) return refused
    if (this.#first(raw.join('\n')) === undefined && !raw.some(isBasic)) return NONE
    return this.#inspectFields(action, raw)
  }

  /**
   * Whether a field says nothing of whose account it is but placeholders that are bound there.
   *
   * @param name lower case
   */
  isAll(action: HttpRequestAction, name: string, value: string): boolean {
    const key = name === 'authorization' ? this.#awsKey(action) : undefined
    if (key !== undefined) return isSignedBy(key, value)
    const bound = this.#boundTo(action).filter(({ header }) => header === name)
    const rest = bound.reduce((left, { placeholder }) => swap(left, placeholder, ''), value)
    return rest !== value && /^(?:bearer *)?$/i.test(rest)
  }

  /**
   * What a body to this destination may not hold; undefined when there is nothing to look for.
   *
   * To a destination that a credential of the session is bound to, every placeholder passes as
   * the placeholder it is: an agent that once printed its environment carries all of them in each
   * call to its own model from then on. No value is ever put into a body.
   */
  watchBody(action: HttpRequestAction): BodyWatch | undefined {
    if (this.#needles.length === 0 || this.#boundTo(action).length > 0) return undefined
    const finder = new StreamFinder(this.#needles.map(({ bytes }) => bytes))
    return (piece) => {
      const found = finder.push(piece)
      if (found === undefined) return undefined
      return { kind: 'misuse', secret: this.#needles[found]?.credential.name ?? '', where: 'body' }
    }
  }

  /** Of a body that is here and looked at: why it may not leave beside what signs it, or as a form. */
  inspectBody(
    action: HttpRequestAction,
    fields: readonly string[],
    content: () => Buffer | undefined,
  ): Deny | undefined {
    if (this.#awsKey(action) === undefined) return undefined
    return inspectSignedBody(action, fields, content())
  }

  /**
   * The fields with the values in place of their placeholders: the last rewrite.
   *
   * @param sent.body what is sent, where it is asked for; null for none
   */
  attach({ action, fields, body }: Leaving, values: ReadonlyMap<string, string>): Fields {
    const attached = [...fields]
    for (const credential of this.#boundTo(action)) {
      const value = values.get(credential.name)
      if (value === undefined) continue
      const onWire = Buffer.from(value, 'utf8').toString('latin1') // a field is written as latin1
      for (let index = 0; index < attached.length; index += 2) {
        if (attached[index]?.toLowerCase() !== credential.header) continue
        attached[index + 1] = swap(attached[index + 1] ?? '', credential.placeholder, onWire)
      }
    }
    const key = this.#awsKey(action)
    if (key === undefined || !values.has(key.id.name)) return attached
    return signAnew({ action, fields: attached, body: body() }, key, values)
  }

  #inspectFields(action: HttpRequestAction, raw: readonly string[]): Clear | Misuse {
    const bound = this.#boundTo(action)
    const used = new Set<string>()
    for (let index = 0; index < raw.length; index += 2) {
      const name = (raw[index] ?? '').toLowerCase()
      let rest = raw[index + 1] ?? ''
      for (const credential of bound) {
        if (credential.header !== name) continue
        const without = swap(rest, credential.placeholder, '')
        if (without !== rest) used.add(nameOf(credential))
        rest = without
      }
      const stray = this.#first(`${name}\n${rest}\n${basicText(rest) ?? ''}`)
      if (stray !== undefined) return misuse(stray, `header ${name.slice(0, 64)}`)
    }
    return { kind: 'clear', credentials: [...used] }
  }

  #awsKey({ host, port }: HttpRequestAction): AwsPlaceholder | undefined {
    if (this.#aws.length === 0) return undefined
    return this.#aws.find(
      ({ id }) => id.port === port && id.hosts.some((pattern) => matchesHost(pattern, host)),
    )
  }

  #boundTo({ host, port }: HttpRequestAction): GateCredential[] {
    return this.#placed.filter(
      (credential) =>
        credential.port === port && credential.hosts.some((pattern) => matchesHost(pattern, host)),
    )
  }

  #first(text: string): GateCredential | undefined {
    for (const needle of this.#needles) if (text.includes(needle.text)) return needle.credential
    return undefined
  }
}

/** The parts of one key are named by its id. */
function nameOf({ name, aws }: GateCredential): string {
  return aws?.of ?? name
}

function misuse({ name }: GateCredential, where: string): Misuse {
  return { kind: 'misuse', secret: name, where }
}

/** The URL as sent and with its escapes undone: `gh%70_…` is no spelling of its own. */
function urlText({ path, query }: HttpRequestAction): string {
  const url = query === null ? path : `${path}?${query}`
  if (!url.includes('%')) return url
  const decoded = url.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return `${url}\n${decoded}`
}

const BASIC = /^(basic +)([A-Za-z0-9+/_=-]+)$/i

const isBasic = (value: string): boolean => value.length > 6 && BASIC.test(value)

/** user-pass of RFC 7617 §2 */
function basicText(value: string): string | undefined {
  const [, , encoded] = BASIC.exec(value) ?? []
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('latin1')
}

/** Also inside `Basic`: git sends its token as a password. */
function swap(value: string, placeholder: string, by: string): string {
  if (value.includes(placeholder)) return value.replaceAll(placeholder, () => by)
  const userPass = basicText(value)
  if (userPass?.includes(placeholder) !== true) return value
  const swapped = userPass.replaceAll(placeholder, () => by)
  const [, scheme = 'Basic '] = BASIC.exec(value) ?? []
  return scheme + Buffer.from(swapped, 'latin1').toString('base64')
}
