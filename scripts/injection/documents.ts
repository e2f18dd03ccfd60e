import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import * as z from 'zod'

const Line = z.object({
  text: z.string(),
  label: z.union([z.literal(0), z.literal(1)]),
  source: z.string(),
})

/** A text of which somebody has said whether it gives orders to a model. */
export type Document = { text: string; isAttack: boolean; source: string }

/** @param file JSON Lines, gzip or not; the same text twice counts once, with its first label */
export function readDocuments(file: string): Document[] {
  const bytes = readFileSync(file)
  const lines = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8').split('\n')
  const documents = new Map<string, Document>()
  for (const line of lines) {
    if (line.trim() === '') continue
    const { text, label, source } = Line.parse(JSON.parse(line))
    const key = text.trim().toLowerCase()
    if (key !== '' && !documents.has(key))
      documents.set(key, { text, isAttack: label === 1, source })
  }
  return [...documents.values()]
}
