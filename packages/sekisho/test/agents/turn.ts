/** What a scripted model says after it has seen as many tool results as turns came before. */
export type Turn =
  /** a call of the client's shell tool, however that client spells it */
  | { kind: 'shell'; command: string }
  /** a call of another tool, spelled as this client has it */
  | { kind: 'call'; call: ToolCall | TextCall }
  | { kind: 'text'; text: string }

/** A tool and its arguments, as a model names them. */
export type ToolCall = { name: string; input: Readonly<Record<string, unknown>> }
/** A tool that takes one text, such as a program. */
export type TextCall = { name: string; input: string }

/** How a client's shell tool is called. */
export type SpellShell = (command: string) => ToolCall | TextCall

/** The call that a turn stands for. */
export function callOf(
  turn: Exclude<Turn, { kind: 'text' }>,
  shell: SpellShell,
): ToolCall | TextCall {
  return turn.kind === 'call' ? turn.call : shell(turn.command)
}

/** Arguments as a format that knows nothing but JSON objects has them. */
export function jsonCall(call: ToolCall | TextCall): ToolCall {
  const { name, input } = call
  if (typeof input === 'string') throw new TypeError(`${name} takes a text: not in this format`)
  return { name, input }
}

/** Text of a request or a result whose shape nobody vouches for; undefined when it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
