import type { SinkConfigOf } from '../wire/exporter.ts'
import { LineFile } from './line-file.ts'
import type { ExportRecord } from './record.ts'
import type { Sink } from './sink.ts'
import type { SinkPlace } from './sink-place.ts'

/** The log as it is: a line for each leaf, with its id. */
export function openJsonl(config: SinkConfigOf<'jsonl'>, { dir }: SinkPlace): Sink {
  const file = new LineFile({ dir, name: config.name }, config.file)
  return {
    send: async (records) => {
      file.append(records.map(jsonLine), records[0]?.index ?? 0)
      return 0
    },
    close: async () => file.close(),
  }
}

/** The leaf's own bytes are kept, so that its hash can be taken of what stands there. */
export function jsonLine(record: ExportRecord): string {
  const { id, index, kind } = record
  if (kind !== 'leaf') return JSON.stringify({ id, index, [kind]: record.text, at: record.at })
  const unknown = record.isKnown ? '' : ',"unknown":true'
  return `{"id":${JSON.stringify(id)},"index":${index}${unknown},"leaf":${record.line}}`
}
