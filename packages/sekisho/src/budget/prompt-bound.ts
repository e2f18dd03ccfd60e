/**
 * What providers put around a request by themselves: system prompts for tools, templates of turns.
 * The longest that is documented is Anthropic's for tools, below 1,000 tokens.
 */
const ADDED_TOKENS = 2048

/** Of one picture; OpenAI's small models count the most, tiles of 5,667 tokens each, up to eight. */
const IMAGE_TOKENS = 48_169

/** What a prompt may come to where its model does not say how long it may be: the longest there is. */
export const LONGEST_CONTEXT_TOKENS = 2_097_152

export type PromptSize = {
  /** of the request, as JSON, without `pictures` */
  bytes: number
  /** base64 pictures in it */
  pictures: number
  /**
   * it names what is elsewhere: a file, a URL, a conversation or response that the provider has
   * kept. How long that is, nobody here knows.
   */
  refersElsewhere: boolean
}

/**
 * An upper bound of the tokens of a prompt. A tokenizer by bytes makes no token of less than one, and
 * JSON never spells a text with fewer bytes than it has; so tokens never exceed bytes. English and
 * code come to about a fourth of that, but what a prompt says is the agent's choice, and text that
 * comes to nearly one token a byte is easily written (rare scripts, punctuation): a bound by
 * experience would let it spend more than was reserved. What was reserved too much is back when
 * the call is settled.
 *
 * @param contextTokens the longest prompt that the model takes, which bounds it as well
 */
export function promptBound(
  { bytes, pictures, refersElsewhere }: PromptSize,
  contextTokens: number = LONGEST_CONTEXT_TOKENS,
): number {
  if (refersElsewhere) return contextTokens
  return Math.min(contextTokens, bytes + pictures * IMAGE_TOKENS + ADDED_TOKENS)
}

/** Bytes of a token, in what a model writes, taken over a whole reply; English and code have four. */
const REPLY_TOKEN_BYTES = 16
/** A short reply may be one word that is one token. */
const SHORT_REPLY_BYTES = 4096

/**
 * Text of a reply, in UTF-8 bytes, that so many tokens do not come to: with more, a provider does
 * not keep to the limit that it was given.
 */
export function mostReplyBytes(outputTokens: number): number {
  return SHORT_REPLY_BYTES + outputTokens * REPLY_TOKEN_BYTES
}
