import type { ModelApi } from '../../../core/action.ts'
import { type CallRoute, readModelRequest, type ReadRequest } from '../read-request.ts'

/** Of a call whose body says all but what paths of Gemini say. */
export function routeTo(api: ModelApi): CallRoute {
  return { api, model: api === 'gemini' ? 'gemini-3-pro' : null, stream: null, unread: null }
}

/** @throws Error for a request that is malformed */
export function readOrThrow(api: ModelApi, body: object | string): ReadRequest {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const request = readModelRequest(routeTo(api), Buffer.from(text))
  if (request.kind === 'malformed') throw new Error(request.reason)
  return request
}

/** channel: text */
export function saidIn({ texts }: ReadRequest): string[] {
  return texts.map(({ channel, text }) => `${channel}: ${text}`)
}

/** type name, with `!` where the provider runs it */
export function toolsOf({ tools }: ReadRequest): string[] {
  return tools.map(({ type, name, isServerSide }) => `${type} ${name}${isServerSide ? '!' : ''}`)
}
