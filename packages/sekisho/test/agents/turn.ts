/** What a scripted model says after it has seen as many tool results as turns came before. */
export type Turn =
  /** a call of the client's shell tool, however that client spells it */
  { kind: 'shell'; command: string } | { kind: 'text'; text: string }

/** Text of a request or a result whose shape nobody vouches for; undefined when it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
