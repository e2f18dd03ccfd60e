import type { AgentReply } from './denial.ts'
import type { Fields } from './http-fields.ts'

/** Codes of https://github.com/grpc/grpc/blob/master/doc/statuscodes.md */
const STATUS = { permissionDenied: 7, resourceExhausted: 8, unavailable: 14 }

/** Bodies in messages of gRPC, over HTTP/2; its cousin for browsers has another framing. */
export function isGrpc(contentType: string | undefined): boolean {
  return contentType !== undefined && /^application\/grpc(?:$|[+;])/i.test(contentType.trim())
}

/**
 * How a call ends that the gate stops: `status` are trailers for one whose head has been sent,
 * `fields` the head and end in one of another ("Trailers-Only" of gRPC over HTTP/2).
 */
export function grpcEnding(reply: AgentReply): { fields: Fields; status: Fields } {
  const { type, message, rules } = reply
  const status: Fields = [
    'grpc-status',
    String(codeOf(reply)),
    'grpc-message',
    percentEncoded(`${type}: ${message}`),
  ]
  if (type === 'sekisho_denied') {
    status.push('x-sekisho-verdict', 'deny')
    status.push('x-sekisho-rule', rules.join(', ').replace(/[^\x20-\x7e]/g, '?'))
  }
  return { fields: ['content-type', 'application/grpc', ...status], status }
}

function codeOf({ type, status }: AgentReply): number {
  if (type !== 'sekisho_denied') return STATUS.unavailable
  return status === 429 ? STATUS.resourceExhausted : STATUS.permissionDenied
}

/** `grpc-message` holds printable ASCII, with the percent sign escaped. */
function percentEncoded(text: string): string {
  return text.replace(/[^\x20-\x24\x26-\x7e]/g, (character) =>
    [...Buffer.from(character)]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  )
}
