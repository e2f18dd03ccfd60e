import { parseJson } from '../../core/parse-json.ts'
import { showLine } from './escape.ts'

const HEX_ROW = 16
/** More of a text than this in characters that no text has, and it is shown as bytes. */
const MAX_CONTROL_SHARE = 0.3

/** Bytes as lines that show every one of them: as text where they are text, else in hexadecimal. */
export function showBytes(bytes: Uint8Array): string[] {
  const text = readText(bytes)
  return text === undefined ? hexDump(bytes) : showText(text)
}

/** The text that bytes are, if they are one. */
export function readText(bytes: Uint8Array): string | undefined {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
  const controls = text.match(/[^\P{Cc}\t\n\r]/gu)?.length ?? 0
  return controls > text.length * MAX_CONTROL_SHARE ? undefined : text
}

/** One line of the text a line, whatever its length; the end of the last one is told apart. */
function showText(text: string): string[] {
  const lines = text.split('\n')
  const last = lines.pop() ?? ''
  const shown = lines.map((line) => `| ${showLine(line)}`)
  return last === '' ? shown : [...shown, `| ${showLine(last)}`, '(no line feed at the end)']
}

function hexDump(bytes: Uint8Array): string[] {
  const rows: string[] = []
  for (let at = 0; at < bytes.length; at += HEX_ROW) {
    const row = bytes.subarray(at, at + HEX_ROW)
    const hex = Array.from(row, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
    const text = Array.from(row, (byte) =>
      byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.',
    ).join('')
    rows.push(`| ${at.toString(16).padStart(8, '0')}  ${hex.padEnd(HEX_ROW * 3)} ${text}`)
  }
  return rows
}

/** A JSON text over several lines; undefined for what is none, or has them already. */
export function showJson(text: string): string[] | undefined {
  if (text.trim().includes('\n')) return undefined
  try {
    const value: unknown = parseJson(text)
    if (typeof value !== 'object' || value === null) return undefined
    return JSON.stringify(value, null, 2)
      .split('\n')
      .map((line) => `| ${showLine(line)}`)
  } catch {
    return undefined
  }
}
