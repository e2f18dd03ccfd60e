import type { ModelApi } from '../../../core/action.ts'
import { isObject, type JsonObject } from '../json-object.ts'

/** What a client makes of a reply: what it runs, what it shows, and how the reply ended. */
export type Outcome = {
  ran: { id: string; name: string; args: string }[]
  text: string
  /** null where the client would take the reply for broken off */
  stop: string | null
  /** what no provider would have sent */
  faults: string[]
}

/** Reads a whole event stream as the published clients do. */
export function readAsClient(api: ModelApi, stream: string): Outcome {
  const events = stream
    .split(/\r?\n\r?\n/)
    .map((event) => /^data: ?(.*)$/m.exec(event)?.[1] ?? '')
    .filter((data) => data !== '' && data !== '[DONE]')
    .map(parse)
  return readEvents(api, events)
}

export function readEvents(api: ModelApi, events: readonly JsonObject[]): Outcome {
  const outcome: Outcome = { ran: [], text: '', stop: null, faults: [] }
  const read = READERS[api](outcome)
  for (const event of events) read(event)
  return outcome
}

/** @throws where a client would throw */
export function parse(json: string): JsonObject {
  const value: unknown = JSON.parse(json)
  if (!isObject(value)) throw new TypeError(`no object: ${json}`)
  return value
}

type Read = (event: JsonObject) => void

const READERS: Readonly<Record<ModelApi, (outcome: Outcome) => Read>> = {
  messages: messagesClient,
  responses: responsesClient,
  chat: chatClient,
  gemini: geminiClient,
}

type Block = { type: string; id: string; name: string; said: string; isOver: boolean }

/** Runs a tool at the end of its block; a block may not have the index of another. */
function messagesClient(outcome: Outcome): Read {
  const blocks: Block[] = []
  let stop: string | null = null
  const openAt = (index: number): Block | undefined => {
    const block = blocks[index]
    if (block !== undefined && !block.isOver) return block
    outcome.faults.push(`no block ${index}`)
    return undefined
  }
  const handlers: Readonly<Record<string, (event: JsonObject, index: number) => void>> = {
    content_block_start: (event, index) => {
      if (blocks[index] !== undefined) outcome.faults.push(`two blocks ${index}`)
      const content = member(event, 'content_block')
      const [type, id, name] = ['type', 'id', 'name'].map((one) => text(content, one))
      blocks[index] = { type: type ?? '', id: id ?? '', name: name ?? '', said: '', isOver: false }
    },
    content_block_delta: (event, index) => {
      const delta = member(event, 'delta')
      outcome.text += text(delta, 'text')
      const block = openAt(index)
      if (block !== undefined) block.said += text(delta, 'partial_json')
    },
    content_block_stop: (_, index) => {
      const block = openAt(index)
      if (block === undefined) return
      block.isOver = true
      const { type, id, name, said } = block
      if (type === 'tool_use') outcome.ran.push({ id, name, args: said })
    },
    message_delta: (event) => {
      stop = text(member(event, 'delta'), 'stop_reason')
    },
    message_stop: () => {
      if (blocks.some((one) => !one.isOver)) outcome.faults.push('a block that is still open')
      outcome.stop = stop
    },
  }
  return (event) => handlers[text(event, 'type')]?.(event, Number(event['index']))
}

/** Runs a tool at `output_item.done`; the whole output has to agree with what was told before. */
function responsesClient(outcome: Outcome): Read {
  const done: unknown[] = []
  const deltas: string[] = []
  let sequence = -1
  return (event) => {
    const number = event['sequence_number']
    if (typeof number !== 'number') outcome.faults.push('no number')
    else if (number <= sequence) outcome.faults.push('a number that falls')
    else sequence = number
    if (event['type'] === 'response.output_text.delta') deltas.push(text(event, 'delta'))
    if (event['type'] === 'response.output_item.done') {
      const item = member(event, 'item')
      const index = Number(event['output_index'])
      if (done[index] !== undefined) outcome.faults.push(`two items at ${index}`)
      done[index] = item
      outcome.text += textOf(item)
      if (item['type'] === 'function_call') {
        const args = text(item, 'arguments')
        outcome.ran.push({ id: text(item, 'call_id'), name: text(item, 'name'), args })
      }
    }
    if (event['type'] !== 'response.completed') return
    const response = member(event, 'response')
    if (JSON.stringify(response['output']) !== JSON.stringify(Object.values(done))) {
      outcome.faults.push('an output other than its items')
    }
    if (deltas.join('') !== outcome.text) outcome.faults.push('pieces other than their texts')
    outcome.stop = text(response, 'status')
  }
}

/** Joins the pieces of each call; the indexes of a choice's calls have no hole. */
function chatClient(outcome: Outcome): Read {
  const calls: { id: string; name: string; args: string }[] = []
  return (event) => {
    for (const choice of list(event, 'choices')) {
      const delta = member(choice, 'delta')
      outcome.text += text(delta, 'content')
      for (const entry of list(delta, 'tool_calls')) {
        const called = member(entry, 'function')
        const index = Number(entry['index'])
        if (index > calls.length) outcome.faults.push(`a hole below index ${index}`)
        const call = (calls[index] ??= {
          id: text(entry, 'id'),
          name: text(called, 'name'),
          args: '',
        })
        call.args += text(called, 'arguments')
      }
      if (typeof choice['finish_reason'] !== 'string') continue
      outcome.stop = choice['finish_reason']
      outcome.ran = calls
    }
  }
}

function geminiClient(outcome: Outcome): Read {
  return (event) => {
    for (const candidate of list(event, 'candidates')) {
      for (const part of list(member(candidate, 'content'), 'parts')) {
        if (part['thought'] !== true) outcome.text += text(part, 'text')
        if (part['functionCall'] === undefined) continue
        const called = member(part, 'functionCall')
        const args = JSON.stringify(called['args'])
        outcome.ran.push({ id: text(called, 'id'), name: text(called, 'name'), args })
      }
      if (typeof candidate['finishReason'] === 'string') outcome.stop = candidate['finishReason']
    }
  }
}

function textOf(item: JsonObject): string {
  if (item['type'] !== 'message') return ''
  return list(item, 'content')
    .map((part) => text(part, 'text'))
    .join('')
}

function text(value: JsonObject, name: string): string {
  const found = value[name]
  return typeof found === 'string' ? found : ''
}

function member(value: JsonObject, name: string): JsonObject {
  const found = value[name]
  return isObject(found) ? found : {}
}

function list(value: JsonObject, name: string): JsonObject[] {
  const found = value[name]
  return Array.isArray(found) ? found.filter(isObject) : []
}
