import type { SinkConfig } from '../wire/exporter.ts'
import { openJsonl } from './jsonl-sink.ts'
import { openOcsf } from './ocsf-sink.ts'
import { openOtlp } from './otlp-sink.ts'
import { openSyslog } from './syslog-sink.ts'
import type { Sink } from './sink.ts'
import type { SinkPlace } from './sink-place.ts'

/** Every kind of sink: one file, its test, a case here and its schema in wire/exporter.ts. */
export function openSink(config: SinkConfig, place: SinkPlace): Sink {
  switch (config.kind) {
    case 'jsonl':
      return openJsonl(config, place)
    case 'ocsf':
      return openOcsf(config, place)
    case 'syslog':
      return openSyslog(config, place)
    case 'otlp':
      return openOtlp(config, place)
  }
}
