import type { ApprovalKind } from '../../core/label.ts'
import type { HeldAction } from '../../wire/approval.ts'
import { readText, showBytes, showJson } from './body.ts'
import { hiddenIn, showLine } from './escape.ts'
import { mixedWords, readHost } from './look-alikes.ts'
import { wholeSubjectOf } from './subject.ts'
import { textsOf } from './texts.ts'
import { callLines, heldCall, hostsOfCall, warningsOfCall } from './tool-call.ts'

/** A body whose coding was undone, or why it was not. */
export type Decoded = { coding: string; bytes: Uint8Array } | { coding: string; problem: string }

export type RenderOptions = {
  /** of the held action, computed by whoever shows it */
  digest: string
  /** whose yes is still missing */
  needs: readonly ApprovalKind[]
  nowMs: number
  /** where the body has a content coding */
  decoded?: Decoded | undefined
}

/** Of each kind, in the warnings; the text itself shows all of them. */
const MAX_NAMED = 20

const WHO: Readonly<Record<ApprovalKind, string>> = {
  initiator: 'the user who began the session',
  approver: 'an operator',
  'second-approver': 'a second operator',
}

/**
 * Lines of plain text that show all of what somebody is asked about: every byte that will be sent,
 * nothing cut, and nothing in it that a terminal or an eye would take for something else.
 */
export function renderHeld(held: HeldAction, options: RenderOptions): string[] {
  return [
    wholeSubjectOf(held),
    '',
    ...warningsOf(held),
    ...circumstances(held, options),
    ...labelLines(held),
    ...findingLines(held),
    ...operationLines(held),
    ...callLines(held),
    ...headerLines(held),
    ...bodyLines(held, options),
    '',
    ...meaning(held, options),
  ]
}

function warningsOf(held: HeldAction): string[] {
  const warnings = [
    ...hostWarnings(held),
    ...warningsOfCall(held),
    ...unconfirmedWarnings(held),
    ...textWarnings(held),
  ]
  return warnings.length === 0 ? [] : [...warnings.map((line) => `LOOK OUT   ${line}`), '']
}

function hostOf({ action }: HeldAction): string | null {
  return 'host' in action ? action.host : null
}

function hostWarnings(held: HeldAction): string[] {
  return [hostOf(held) ?? '', ...hostsOfCall(held)].flatMap((host) => {
    const read = readHost(host)
    if (read?.warning === undefined) return []
    return [`the host reads ${showLine(read.unicode)}: ${read.warning}`]
  })
}

function unconfirmedWarnings({ unconfirmed }: HeldAction): string[] {
  return unconfirmed.map(
    ({ kind, argument, value, origin }) =>
      `the ${kind} ${showLine(value)} (${showLine(argument)}) was not chosen by the user; origin: ${showLine(origin)}`,
  )
}

function textWarnings(held: HeldAction): string[] {
  return textsOf(held).flatMap(([where, text]) => [
    ...hiddenIn(text).map((what) => `${where}: ${what}, shown as escapes`),
    ...mixedWords(text, MAX_NAMED).map(
      (word) => `${where}: look-alike letters in ${showLine(word)}`,
    ),
  ])
}

function circumstances(held: HeldAction, { needs, nowMs }: RenderOptions): string[] {
  const leftS = Math.max(0, Math.round((Date.parse(held.expiresAt) - nowMs) / 1000))
  const host = hostOf(held)
  const read = host === null ? undefined : readHost(host)
  const rows: [string, string][] = [
    ['waits', `${held.id} since ${held.openedAt} until ${held.expiresAt} (${leftS} s left)`],
    ['for', needs.map((kind) => `${kind}: ${WHO[kind]}`).join(', and ')],
    ['agent', `${showLine(held.agent)}, session ${held.session}`],
    ['user', showLine(held.user)],
    ...modelRows(held),
    ...(host === null
      ? []
      : [
          [
            'host',
            `${showLine(host)}${read === undefined ? '' : `, which reads ${showLine(read.unicode)}`}`,
          ] as [string, string],
        ]),
    ['why', showLine(held.reason)],
    ['rules', held.rules.map(showLine).join(', ')],
    ['policy', `generation ${held.generation}, ${held.policy}`],
    [
      'secrets',
      held.credentials.length === 0
        ? 'none'
        : `${held.credentials.map(showLine).join(', ')} in place of their placeholders`,
    ],
  ]
  return rows.map(([name, text]) => row(name, text))
}

/** Whose idea it is. */
function modelRows(held: HeldAction): [string, string][] {
  const call = heldCall(held)
  if (call === undefined) return []
  return [['model', `${showLine(call.model)} of ${showLine(call.provider)}`]]
}

function row(name: string, text: string): string {
  return `${name.padEnd(10)} ${text}`
}

function labelLines({ label, sources }: HeldAction): string[] {
  return [
    row('label', `${label.integrity}, ${label.confidentiality}; the session has seen:`),
    ...sources.map(
      (source) =>
        `${' '.repeat(13)}${showLine(source.what)}  ${source.label.integrity}, ${source.label.confidentiality}`,
    ),
  ]
}

function findingLines({ findings }: HeldAction): string[] {
  return findings.map(({ detector, place, count, did }) =>
    row('found', `${showLine(detector)} ×${count} in ${showLine(place)}: ${did}`),
  )
}

function operationLines({ operation, unconfirmed }: HeldAction): string[] {
  if (operation === null) return []
  const origins = unconfirmed.map(
    ({ kind, argument, value, origin }) =>
      `  ${showLine(argument)} = ${showLine(value)}  (${kind}; origin: ${showLine(origin)})`,
  )
  const text = JSON.stringify(operation.arguments, null, 2).split('\n')
  return [
    '',
    `operation ${showLine(operation.id)} with these arguments:`,
    ...text.map((line) => `| ${showLine(line)}`),
    ...(origins.length === 0 ? [] : ['not confirmed:', ...origins]),
  ]
}

function headerLines({ action, fields }: HeldAction): string[] {
  if (action.kind === 'llm.tool-call') return []
  const lines: string[] = []
  for (let at = 0; at < fields.length; at += 2) {
    lines.push(`| ${showLine(fields[at] ?? '')}: ${showLine(fields[at + 1] ?? '')}`)
  }
  return ['', `headers (${lines.length}):`, ...lines]
}

function bodyLines({ action, body }: HeldAction, { decoded }: RenderOptions): string[] {
  const what = action.kind === 'llm.tool-call' ? 'arguments' : 'body'
  if (body === null) return ['', `no ${what}`]
  const bytes = Buffer.from(body.content, 'base64')
  const text = readText(bytes)
  const json = text === undefined ? undefined : showJson(text)
  return [
    '',
    `${what} (${body.bytes} bytes, ${body.digest}), all of it, as ${text === undefined ? 'bytes' : 'text'}:`,
    ...showBytes(bytes),
    ...(json === undefined
      ? []
      : ['', 'the same, read as JSON (signed are the bytes above):', ...json]),
    ...decodedLines(decoded),
  ]
}

function decodedLines(decoded: Decoded | undefined): string[] {
  if (decoded === undefined) return []
  const coding = showLine(decoded.coding)
  if ('problem' in decoded) {
    return ['', `LOOK OUT   the coding ${coding} was not undone: ${showLine(decoded.problem)}`]
  }
  const { bytes } = decoded
  return [
    '',
    `the same without its coding ${coding} (${bytes.length} bytes; signed are the bytes above):`,
    ...showBytes(bytes),
  ]
}

function meaning(held: HeldAction, { digest }: RenderOptions): string[] {
  const what = whatYesDoes(held)
  const other = isOpenEnded(held) ? 'any other' : 'any other byte, any other'
  return [
    `approving ${what}, once, from ${held.session}, before ${held.expiresAt},`,
    `under this policy; ${other} session, and a second time need to be asked again`,
    ...(isOpenEnded(held)
      ? ['what is said on it afterwards, either way, nobody is asked about']
      : []),
    `digest ${digest}`,
  ]
}

function whatYesDoes(held: HeldAction): string {
  if (isOpenEnded(held)) return 'opens exactly this'
  if (heldCall(held) === undefined) return 'lets exactly this leave'
  return 'hands exactly this call to the client of the agent'
}

/** What goes on speaking once it is open. */
function isOpenEnded({ action }: HeldAction): boolean {
  if (action.kind === 'http.request') return action.upgrade !== undefined
  return action.kind === 'net.connect'
}
