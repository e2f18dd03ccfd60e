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

/** Of the text before and after the border of two messages: what is cut there is looked at whole. */
const BORDER_BYTES = 1_024

/** Looks at the messages of one call, each whole, and at what lies across two of them. */
export class GrpcMessageLook {
  readonly #look: GrpcLook
  /** the end of what the messages so far said */
  #before: Buffer = Buffer.alloc(0)
  #misuse: Misuse | undefined
  #problem: Deny | undefined

  constructor(look: GrpcLook) {
    this.#look = look
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
    this.#seeOne([clear, ...leaves.map(({ bytes }) => bytes)])
    const innermost = leaves.filter(({ isInnermost }) => isInnermost).map(({ bytes }) => bytes)
    this.#seeBorder(leaves.length > 0 ? Buffer.concat(innermost) : clear)
  }

  fail(rule: string, reason: string): void {
    this.#problem ??= deny(rule, reason)
  }

  #seeOne(texts: readonly Buffer[]): void {
    const scan = this.#look.newScan()
    for (const text of texts) {
      this.#misuse ??= this.#look.watch?.(text)
      this.#found([...scan.push(text), ...scan.push(BETWEEN)], 'message')
    }
    this.#found(scan.end(), 'message')
  }

  /** A text in strings or bytes of several messages, one after the other, is one to its reader. */
  #seeBorder(text: Buffer): void {
    const before = this.#before
    const across = Buffer.concat([before, text.subarray(0, BORDER_BYTES)])
    this.#before = Buffer.concat([before, text.subarray(-BORDER_BYTES)]).subarray(-BORDER_BYTES)
    if (before.length === 0) return
    this.#misuse ??= this.#look.watch?.(across)
    const scan = this.#look.newScan()
    const found = [...scan.push(across), ...scan.end()]
    const lies = ({ start, end, view }: Finding): boolean =>
      view !== undefined || (start < before.length && end > before.length)
    this.#found(found.filter(lies), 'messages')
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
