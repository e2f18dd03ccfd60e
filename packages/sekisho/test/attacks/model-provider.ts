import type http from 'node:http'
import { denyProgram } from '../../src/gate/llm/testing/model-scene.ts'

/** Stands in what may not be run, and nowhere else */
export const MARK = 'forbidden-program'

export const RULES = denyProgram(MARK)

/** How a provider answers. */
export type Plays = (request: http.IncomingMessage, response: http.ServerResponse) => void

export const events =
  (
    all: readonly string[],
    { cut = Infinity, type = 'text/event-stream', status = 200 } = {},
  ): Plays =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': type })
    const text = all.join('')
    for (let at = 0; at < text.length; at += cut) response.write(text.slice(at, at + cut))
    response.end()
  }

export const document =
  (body: unknown): Plays =>
  (_request, response) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    response.writeHead(200, { 'content-type': 'application/json' }).end(text)
  }

export const sse = (all: readonly object[]): string[] =>
  all.map((event) => {
    const name = 'type' in event && typeof event.type === 'string' ? `event: ${event.type}\n` : ''
    return `${name}data: ${JSON.stringify(event)}\n\n`
  })
