import type { ModelApi } from '../../core/action.ts'
import type { ReplyFraming } from '../provider-path.ts'
import { makeReplyHold } from './make-reply-hold.ts'

/** An event stream that says this and ends, as a client of this format takes a reply. */
export function replySaying(api: ModelApi, text: string, framing?: ReplyFraming): Buffer {
  const bounds = { unsupported: 'deny', maxCallBytes: 0, maxHeldBytes: 1024 } as const
  const steps = makeReplyHold(api, { stream: true, framing, ...bounds }).cutOff(text)
  return Buffer.concat(steps.flatMap((step) => (step.kind === 'write' ? [step.bytes] : [])))
}
