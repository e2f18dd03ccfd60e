import { parseJson } from '../core/parse-json.ts'
import type { SinkConfigOf } from '../wire/exporter.ts'
import { HttpPost } from './http-post.ts'
import { logRecord } from './otlp/logs.ts'
import { OpenSpans } from './otlp/spans.ts'
import { attributes, SCHEMA_URL } from './otlp/values.ts'
import type { ExportRecord } from './record.ts'
import type { Sink } from './sink.ts'
import type { SinkPlace } from './sink-place.ts'

type Send = (path: string, body: unknown, signal: AbortSignal) => Promise<number>

/** Logs and traces over OTLP/HTTP in JSON: every leaf is a log record, every action a span. */
export function openOtlp(config: SinkConfigOf<'otlp'>, place: SinkPlace): Sink {
  const http = new HttpPost(config.endpoint)
  const base = config.endpoint.url.replace(/\/$/, '')
  const post: Send = async (path, body, signal) => {
    const text = JSON.stringify(body)
    const reply = await http.post(`${base}${path}`, {
      body: text,
      type: 'application/json',
      signal,
    })
    return refusedIn(reply)
  }
  const source = sourceOf(place)
  let open = OpenSpans.from(place.origin, place.state)
  return {
    send: async (records, signal) => {
      let refused = 0
      if (config.signals.includes('logs')) {
        refused += await post('/v1/logs', logsRequest(records, place.origin, source), signal)
      }
      const next = open.copy()
      const spans = next.take(records)
      if (config.signals.includes('traces') && spans.length > 0) {
        refused += await post('/v1/traces', tracesRequest(spans, source), signal)
      }
      open = next
      return refused
    },
    state: () => open.state(),
    close: () => http.close(),
  }
}

type Source = { resource: unknown; scope: unknown }

function sourceOf({ version, origin, hostname }: SinkPlace): Source {
  const resource = attributes({
    'service.name': 'sekisho',
    'service.version': version,
    'service.instance.id': origin,
    'host.name': hostname,
  })
  return { resource: { attributes: resource }, scope: { name: 'sekisho', version } }
}

function logsRequest(
  records: readonly ExportRecord[],
  origin: string,
  { resource, scope }: Source,
): unknown {
  const logRecords = records.map((record) => logRecord(record, origin))
  return {
    resourceLogs: [
      {
        resource,
        scopeLogs: [{ scope, logRecords, schemaUrl: SCHEMA_URL }],
        schemaUrl: SCHEMA_URL,
      },
    ],
  }
}

function tracesRequest(spans: readonly unknown[], { resource, scope }: Source): unknown {
  return {
    resourceSpans: [
      { resource, scopeSpans: [{ scope, spans, schemaUrl: SCHEMA_URL }], schemaUrl: SCHEMA_URL },
    ],
  }
}

/**
 * What the receiver says that it threw away of a batch that it took. It must not be sent again
 * (OTLP, "Partial Success"); its message is the receiver's text, and stays out of ours.
 */
function refusedIn(reply: string): number {
  const partial: unknown = memberOf(jsonIn(reply), 'partialSuccess')
  const count = memberOf(partial, 'rejectedLogRecords') ?? memberOf(partial, 'rejectedSpans') ?? 0
  const refused = Number(count)
  return Number.isSafeInteger(refused) && refused > 0 ? refused : 0
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
}

function jsonIn(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    return undefined // an empty body is a success without more to say
  }
}
