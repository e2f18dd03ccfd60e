/** What was found in an action's outgoing data: never the data itself. */
export type RecordedFinding = {
  detector: string
  /** `url`, `header x`, `body`, `body (base64)`, `message` … */
  place: string
  count: number
  did: 'recorded' | 'redacted' | 'held' | 'denied'
}
