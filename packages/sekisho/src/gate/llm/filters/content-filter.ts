import type { ScoredChannel } from '../../../detect/content/injection/rule.ts'

export type FilterText = { channel: ScoredChannel; text: string }

/** What somebody else's filter has found. */
export type FilterFinding = {
  /** `prompt-shields.user-prompt` */
  id: string
  /** how sure it is, in thousandths; a service that says yes or no is 900 sure */
  permille: number
}

export type ChannelFinding = FilterFinding & { channel: ScoredChannel }

/**
 * Somebody else's opinion of a text. It only ever tightens: what it finds may raise labels or deny,
 * and that it finds nothing permits nothing.
 */
export interface ContentFilter {
  readonly name: string
  /** whether it is to be asked about texts of this channel */
  isFor(channel: ScoredChannel): boolean
  /**
   * @param texts of channels that it is for
   * @throws SekishoError UPSTREAM_FAILED when it cannot be asked, PROTOCOL_VIOLATION when its answer
   *   is not as documented or says that it has not looked, TIMEOUT when it takes too long
   */
  look(
    texts: readonly FilterText[],
    signal: AbortSignal,
  ): Promise<{ findings: readonly ChannelFinding[]; questions: number }>
}

/** One question of a service, ready to be sent. */
export type FilterQuestion = {
  /** appended to the configured address */
  path: string
  query?: string
  body: unknown
  /** @throws SekishoError PROTOCOL_VIOLATION as `ContentFilter.look` */
  read(answer: unknown): readonly FilterFinding[]
}

/** A service that can be asked: how its questions and answers are written. */
export type FilterKind = {
  /** characters of text in one question, by its documentation */
  maxCharacters: number
  channels: readonly ScoredChannel[]
  /** @param credential the value that the keyholder has released for it */
  headers(credential: string): Readonly<Record<string, string>>
  /** @param text within `maxCharacters` */
  question(text: FilterText): FilterQuestion
}
