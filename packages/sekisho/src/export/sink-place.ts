/** What a sink is given beside its configuration. */
export type SinkPlace = {
  /** a directory of its own */
  dir: string
  /** of the platform */
  version: string
  /** of the log: who the records are from */
  origin: string
  /** this machine, as receivers know it */
  hostname: string
  /** what the sink kept when it last ran */
  state: unknown
}
