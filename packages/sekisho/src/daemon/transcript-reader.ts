import type * as z from 'zod'
import { readTranscript } from '../transcripts/clients/all.ts'
import { findUnreleased } from '../transcripts/unreleased.ts'
import { type Handlers, Peer, type Transport } from '../wire/peer.ts'
import { MAX_TOLD, supervisorToTranscriptReader } from '../wire/transcript-reader.ts'

type Compare = (typeof supervisorToTranscriptReader)['compare']

/** Reads transcripts for one supervisor and says what of them nobody released. */
export async function serveTranscriptReader(
  supervisor: Transport,
): Promise<{ stop(): Promise<void> }> {
  const handlers: Handlers<typeof supervisorToTranscriptReader> = { compare }
  new Peer('supervisor', supervisor, { out: {}, in: supervisorToTranscriptReader, handlers })
  return { stop: async () => undefined }
}

export function compare({
  client,
  content,
  journal,
  releases,
  sinceMs,
}: z.infer<Compare['params']>): z.infer<Compare['result']> {
  const reading = readTranscript(client, {
    content: Buffer.from(content, 'base64'),
    journal: journal === null ? null : Buffer.from(journal, 'base64'),
  })
  if (reading === null) return { compared: null, unreleased: 0, changed: 0, unread: 0, tools: [] }
  const { compared, unreleased, changed } = findUnreleased(reading.calls, releases, sinceMs)
  const tools = [...unreleased, ...changed].map(({ tool }) => tool.slice(0, 128).toWellFormed())
  return {
    compared,
    unreleased: unreleased.length,
    changed: changed.length,
    unread: reading.unread,
    tools: [...new Set(tools)].slice(0, MAX_TOLD),
  }
}
