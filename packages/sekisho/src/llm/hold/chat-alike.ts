import * as z from 'zod'
import { isObject, type JsonObject } from './json-object.ts'

const text = z.string().nullish()
const count = z.number().nullish()
const counts = z.record(z.string(), z.number().nullable()).nullish()
const probable = z.looseObject({ token: z.string(), logprob: z.number() })

/**
 * A chunk with a piece of a call, as far as readers look at it before they take it. AI SDK passes over
 * a chunk that has one member of another type, and goes on with the next: what it would run lacks the
 * piece that was judged with the others.
 */
const CallChunk = z.looseObject({
  id: text,
  created: count,
  model: text,
  // one reader stops there, another goes on
  error: z.null().optional(),
  usage: z
    .looseObject({
      prompt_tokens: count,
      completion_tokens: count,
      total_tokens: count,
      prompt_tokens_details: counts,
      completion_tokens_details: counts,
    })
    .nullish(),
  choices: z.array(
    z.looseObject({
      finish_reason: text,
      logprobs: z
        .looseObject({
          content: z.array(probable.extend({ top_logprobs: z.array(probable) })).nullish(),
        })
        .nullish(),
      delta: z.looseObject({
        // some servers leave it empty
        role: z.enum(['assistant', '']).nullish(),
        annotations: z.tuple([]).nullish(),
        tool_calls: z
          .array(
            z
              .looseObject({
                type: z.enum(['function', 'custom']).nullish(),
                // what Google has to be told again
                extra_content: z
                  .looseObject({ google: z.looseObject({ thought_signature: text }).nullish() })
                  .nullish(),
              })
              .refine((entry) => isObject(entry['function']) || isObject(entry['custom'])),
          )
          .nullish(),
      }),
    }),
  ),
})

/** @param chunk with a piece of a call; whether no reader passes over it */
export function isReadAlike(chunk: JsonObject): boolean {
  return CallChunk.safeParse(chunk).success
}
