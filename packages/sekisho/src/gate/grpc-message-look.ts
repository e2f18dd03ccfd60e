import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { type Deny, deny } from '../core/verdict.ts'
import type { Finding, Scan } from '../detect/egress/finding.ts'
import type { Misuse } from '../flow/ports.ts'
import type { FindingSet } from './inspection/finding-set.ts'
import type { BodyWatch } from './placeholders.ts'
import { protobufLeaves } from './protobuf-leaves.ts'

type Decode = (message: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>

/** Of `grpc-encoding`; one that is not here cannot be looked into. */
const CODINGS: Readonly<Record<string, Decode>> = {
  gzip: promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gunzip),
  deflate: promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.inflate),
}

const BETWEEN = Buffer.from('\n')

export type GrpcLook = {
  /** undefined when the session has no placeholders that could be misused here */
  watch: BodyWatch | undefined
  newScan(): Scan
  findings: FindingSet
  /** value of `grpc-encoding` */
  coding: string | undefined
  /** of one message, as it comes and decoded */
  maxBytes: number
}

/** Looks at the messages of one call, each whole, and at what they say one after the other. */
export class GrpcMessageLook {
  readonly #look: GrpcLook
  /** over strings and bytes of all messages, so that a text cut into several is one again */
  readonly #across: Scan
  #misuse: Misuse | undefined
  #problem: Deny | undefined

  constructor(look: GrpcLook) {
    this.#look = look
    this.#across = look.newScan()
  }

  get misuse(): Misuse | undefined {
    return this.#misuse
  }

  /** why nobody can say what a message says */
  get problem(): Deny | undefined {
    return this.#problem
  }

  /** Resolves when the message has been seen. @param flag the first byte of its prefix */
  async see(flag: number, message: Buffer): Promise<void> {
    const clear = flag === 0 ? message : await this.#decode(flag, message)
    if (clear === undefined) return
    const leaves = protobufLeaves(clear)
    this.#seeOne([clear, ...leaves])
    for (const text of leaves.length > 0 ? leaves : [clear])
      this.#found(this.#across.push(text), 'body')
  }

  fail(rule: string, reason: string): void {
    this.#problem ??= deny(rule, reason)
  }

  #seeOne(texts: readonly Buffer[]): void {
    const scan = this.#look.newScan()
    for (const text of texts) {
      this.#misuse ??= this.#look.watch?.(text)
      this.#found(scan.push(text), 'message')
      this.#found(scan.push(BETWEEN), 'message')
    }
    this.#found(scan.end(), 'message')
  }

  #found(findings: readonly Finding[], where: string): void {
    for (const finding of findings) {
      const { view } = finding
      this.#look.findings.add(finding, view === undefined ? where : `${where} (${view})`, false)
    }
  }

  async #decode(flag: number, message: Buffer): Promise<Buffer | undefined> {
    const { coding = 'identity', maxBytes } = this.#look
    const decode = Object.hasOwn(CODINGS, coding) ? CODINGS[coding] : undefined
    if (flag !== 1 || decode === undefined) {
      this.fail('invariant.body-encoding', `a message with flag ${flag}, of ${coding.slice(0, 64)}`)
      return undefined
    }
    try {
      return await decode(message, { maxOutputLength: maxBytes })
    } catch (error) {
      const isTooLong = error instanceof RangeError
      if (isTooLong)
        this.fail('invariant.body-bomb', `a message that grows above ${maxBytes} bytes`)
      else this.fail('invariant.body-encoding', `a message that is not ${coding}`)
      return undefined
    }
  }
}
