import type { HeldAction } from '../../wire/approval.ts'
import { readText } from './body.ts'
import { textsOfCall } from './tool-call.ts'

type Place = 'URL' | 'headers' | 'arguments' | 'call' | 'body'
type Sent = Pick<HeldAction, 'action' | 'fields' | 'body' | 'operation'>

/** All text that will be sent, by place. */
export function textsOf(sent: Sent): [Place, string][] {
  const { action, fields, body, operation } = sent
  const text = body === null ? undefined : readText(Buffer.from(body.content, 'base64'))
  return [
    ['URL', 'path' in action ? action.path + ('query' in action ? `?${action.query}` : '') : ''],
    ['headers', fields.join('\n')],
    ['arguments', operation === null ? '' : stringsIn(operation.arguments).join('\n')],
    ['call', textsOfCall(sent).join('\n')],
    ['body', text ?? ''],
  ]
}

/** Every text in a JSON value, names of members too. */
function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (Array.isArray(value)) return value.flatMap(stringsIn)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, member]) => [name, ...stringsIn(member)])
}

/** A terminal obeys these: ESC, the eight-bit controls, and backspace, which writes over. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const DRIVES_A_TERMINAL = /[\u0008\u001b\u0080-\u009f]/u
/** Embeddings, overrides and isolates (UAX 9 §2): what is read is not what is there. */
const TURNS_TEXT = /[\u202a-\u202e\u2066-\u2069]/u

/**
 * Why what will be sent must not be put before anybody to approve, who might read something else
 * than is there; undefined where nothing is.
 */
export function misleadingIn(sent: Sent): string | undefined {
  for (const [place, text] of textsOf(sent)) {
    // bytes of UTF-8, which a header's text has one by one, are no controls
    const seen = place === 'headers' ? text.replaceAll(/[\u0080-\u009f]/gu, '') : text
    if (DRIVES_A_TERMINAL.test(seen)) return `${place}: characters that drive a terminal`
    if (TURNS_TEXT.test(text)) return `${place}: characters that turn the direction of text`
  }
  return undefined
}
