import * as z from 'zod'
import { LlmFilter } from '../wire/llm.ts'
import { readSecretSource } from './agent-values.ts'
import { printable, type Read } from './problem.ts'
import { readServiceUrl } from './service-url.ts'
import { text } from './text.ts'

const { id, kind, channels, minPermille, onMatch, timeoutMs, onFailure } = LlmFilter.shape

/** An entry of `filters` in models.yaml. */
export const FilterFile = z
  .strictObject({
    id,
    kind,
    url: text(readFilterUrl),
    credential: text(readSecretSource),
    channels: channels.default(['user', 'tool-result']),
    onMatch,
    minPermille: minPermille.default(500),
    timeoutMs: timeoutMs.default(3000),
    /** by what it is for: what only raises a label keeps nothing back */
    onFailure: onFailure.optional(),
    reason: z.string().max(1024).default(''),
  })
  .superRefine((filter, context) => {
    const { channels: on } = filter
    if (new Set(on).size < on.length) {
      context.addIssue({ code: 'custom', path: ['channels'], message: 'a channel stands twice' })
    }
    if (filter.onMatch === 'hold' && on.includes('reply')) {
      const message =
        'a reply cannot wait for people; write a filter of its own for it, with `deny`'
      context.addIssue({ code: 'custom', path: ['onMatch'], message })
    }
    if (filter.kind === 'prompt-shields' && on.some((channel) => WRITTEN.has(channel))) {
      const message =
        'Prompt Shields is not for what models write: leave out `reply` and `assistant`'
      context.addIssue({ code: 'custom', path: ['channels'], message })
    }
  })
  .transform(({ url, ...filter }): LlmFilter => {
    const failing = filter.onMatch === 'label' ? 'pass' : 'deny'
    return {
      id: filter.id,
      kind: filter.kind,
      ...url,
      credential: filter.credential,
      channels: filter.channels,
      minPermille: filter.minPermille,
      onMatch: filter.onMatch,
      timeoutMs: filter.timeoutMs,
      onFailure: filter.onFailure ?? failing,
    }
  })

const WRITTEN: ReadonlySet<string> = new Set(['reply', 'assistant'])

type Place = Pick<LlmFilter, 'host' | 'port' | 'basePath'>

/** What it is asked about, and the key that it knows the platform by, go over TLS alone. */
function readFilterUrl(input: string): Read<Place> {
  const read = readServiceUrl(input)
  if ('problem' in read) return read
  const { scheme, host, port, basePath } = read.value
  if (scheme === 'https') return { value: { host, port, basePath } }
  return { problem: `\`${printable(input)}\` is not https`, hint: 'write https://name/base/path' }
}
