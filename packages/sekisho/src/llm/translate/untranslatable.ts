/** What one format says and the other cannot; never leaves this directory. */
export class Untranslatable extends Error {
  /** where it stands, such as `input[3].type` */
  readonly path: string

  constructor(path: string, reason: string) {
    super(reason)
    this.path = path
  }
}
