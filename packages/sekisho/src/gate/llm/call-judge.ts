import type { ToolCallAction } from '../../core/action.ts'
import { deny, type Deny } from '../../core/verdict.ts'
import { recordDenial } from '../../flow/checkpoint.ts'
import type { CheckpointPorts, Exchange } from '../../flow/ports.ts'
import { type AllowedCall, passToolCall } from '../../flow/tool-call.ts'
import { canonicalCall } from '../../llm/calls/canonical-call.ts'
import type { Judged, ProposedCall } from '../../llm/format.ts'
import { createHash } from 'node:crypto'

/** Rule of a call that nobody can read. */
const UNREADABLE = 'llm.unreadable-call'

export type CallJudgeParts = {
  ports: CheckpointPorts
  provider: string
  model: string
  /** id of the model call that proposes them */
  parent: string | undefined
  onGone: (listener: () => void) => void
  /** others who are asked about what is allowed so far; undefined for nobody */
  consult: ((call: ProposedCall) => NonNullable<Exchange['consult']>) | undefined
}

export type CallCounts = { proposed: number; released: number; replaced: number }

/** Takes each call that a model proposes through the checkpoint. */
export class CallJudge {
  readonly counts: CallCounts = { proposed: 0, released: 0, replaced: 0 }
  readonly #parts: CallJudgeParts

  constructor(parts: CallJudgeParts) {
    this.#parts = parts
  }

  /** @throws SekishoError when it could not be recorded: then it is not to be released */
  async judge(call: ProposedCall): Promise<Judged> {
    this.counts.proposed += 1
    const denied = await this.#pass(call)
    if (denied === undefined) {
      this.counts.released += 1
      return { kind: 'release' }
    }
    this.counts.replaced += 1
    return { kind: 'replace', say: sayDenied(call.tool, denied) }
  }

  async #pass(call: ProposedCall): Promise<Deny | undefined> {
    const { provider, model, ports, parent } = this.#parts
    const read = canonicalCall(call, { provider, model })
    if (read.kind === 'refused') {
      const by = deny(UNREADABLE, `a call of ${call.tool.slice(0, 256)}: ${read.reason}`)
      await recordDenial({ action: this.#unread(call), by, parent }, ports)
      return by
    }
    return this.#passAll(call, read)
  }

  /** One call may be several actions: all of them, or none. */
  async #passAll(
    call: ProposedCall,
    { actions, findings }: Extract<ReturnType<typeof canonicalCall>, { kind: 'call' }>,
  ): Promise<Deny | undefined> {
    const { ports, onGone, parent } = this.#parts
    const consult = this.#parts.consult?.(call)
    const allowed: AllowedCall[] = []
    const shown = Buffer.from(call.arguments)
    for (const action of actions) {
      const passed = await passToolCall(
        { action, arguments: shown, findings, parent, onGone, ...(consult && { consult }) },
        ports,
      )
      if (passed.kind === 'deny') {
        for (const other of allowed) other.close(refusedWith(passed))
        return passed
      }
      allowed.push(passed)
    }
    for (const each of allowed) each.close(RELEASED)
    return undefined
  }

  #unread({ tool, callId, arguments: args }: ProposedCall): ToolCallAction {
    const { provider, model } = this.#parts
    return {
      kind: 'llm.tool-call',
      provider,
      model,
      tool: tool.slice(0, 256).toWellFormed(),
      does: 'other',
      commands: [],
      paths: [],
      urls: [],
      digest: `sha256:${createHash('sha256').update(args).digest('hex')}`,
      callId: callId?.slice(0, 256).toWellFormed() ?? null,
    }
  }
}

/** Its bytes are those of the reply that it came in, and are counted there. */
const RELEASED: Parameters<AllowedCall['close']>[0] = {
  kind: 'performed',
  status: null,
  address: null,
  bytesOut: 0,
  bytesIn: 0,
  scrubbed: 0,
}

function refusedWith({ rules, reason }: Deny): Parameters<AllowedCall['close']>[0] {
  return { kind: 'refused', rules, reason: `another part of the same call: ${reason}` }
}

/** The kind of refusal, never the rule's inputs: what is said here goes back to the model. */
function sayDenied(tool: string, { rules }: Deny): string {
  const name = /^[\w.:/-]{1,128}$/.test(tool) ? tool : 'a tool'
  return `[Sekisho] The call of ${name} was not carried out: this session's policy does not allow it (${rules.join(', ').slice(0, 256)}). Do not try it again in another way.`
}
