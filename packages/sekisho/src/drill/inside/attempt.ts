/** What an attack says of itself. `succeeded` is the attacker's own view of having got through. */
export type Attempt = { succeeded: boolean; detail: string }

/** What the drill tells its attacks about the outside. */
export type Target = {
  /** port of the canary on every address of the host, TCP and UDP */
  canaryPort: number
  /** the host's own addresses */
  hostAddresses: readonly string[]
  /** the variable that holds the placeholder of the drill's secret */
  placeholder: string
}

export type Run = (id: string, target: Target) => Attempt | Promise<Attempt>

/** What the canary answers to whoever reaches it. */
export const CANARY_ANSWER = 'canary-reached'
export const ATTEMPT_TIMEOUT_MS = 4000
