import type { SinkConfigOf, SinkEndpoint, SinkFile } from '../wire/exporter.ts'
import { HttpPost } from './http-post.ts'
import { LineFile } from './line-file.ts'
import { ocsfEvent } from './ocsf/map.ts'
import type { ExportRecord } from './record.ts'
import type { Sink } from './sink.ts'
import type { SinkPlace } from './sink-place.ts'

/** OCSF events, one a line: into files, or to a collector that takes JSON lines. */
export function openOcsf({ name, to }: SinkConfigOf<'ocsf'>, place: SinkPlace): Sink {
  const lines = (records: readonly ExportRecord[]): string[] =>
    records.map((record) => JSON.stringify(ocsfEvent(record, place)))
  return 'url' in to ? toCollector(to, lines) : toFile(to, { name, dir: place.dir, lines })
}

type Lines = (records: readonly ExportRecord[]) => string[]

function toFile(bounds: SinkFile, of: { name: string; dir: string; lines: Lines }): Sink {
  const file = new LineFile(of, bounds)
  return {
    send: async (records) => {
      file.append(of.lines(records), records[0]?.index ?? 0)
      return 0
    },
    close: async () => file.close(),
  }
}

function toCollector(endpoint: SinkEndpoint, lines: Lines): Sink {
  const http = new HttpPost(endpoint)
  return {
    send: async (records, signal) => {
      const body = lines(records)
        .map((line) => `${line}\n`)
        .join('')
      await http.post(endpoint.url, { body, type: 'application/x-ndjson', signal })
      return 0
    },
    close: () => http.close(),
  }
}
