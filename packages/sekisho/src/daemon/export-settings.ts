import * as z from 'zod'
import { readSecretSource, type SecretSource } from '../policy/agent-values.ts'
import { readDuration, readSize } from '../policy/quantity.ts'
import { text } from '../policy/text.ts'
import {
  type SinkConfig,
  SinkEndpoint,
  type SinkFile,
  SinkName,
  type SinkTls,
} from '../wire/exporter.ts'
import { Port } from '../wire/schemas.ts'
import { readSecret } from './secrets.ts'

/** The part `exports` of platform.yaml: where the log goes, and when that counts as late. */

const Reference = text(readSecretSource)
const Duration = (range: { min: string; max: string }): z.ZodType<number> =>
  text((input) => readDuration(input, range))
const Size = (range: { min: string; max: string }): z.ZodType<number> =>
  text((input) => readSize(input, range))

const Tls = {
  /** whom to trust, beside nobody else; left out: the roots of this host */
  ca: Reference.optional(),
  certificate: Reference.optional(),
  key: Reference.optional(),
}
const Endpoint = {
  url: SinkEndpoint.shape.url.refine(hasNoSecret, 'want an https URL without user or password'),
  headers: z.record(z.string().regex(/^[a-z0-9-]{1,64}$/), Reference).default({}),
  ...Tls,
}
const File = {
  rotateAt: Size({ min: '1MiB', max: '16GiB' }).prefault('64MiB'),
  /** rotated files that are kept; the disk that they take is bounded by it */
  keep: z.int().min(1).max(10_000).default(16),
}
const Common = {
  name: SinkName,
  heartbeat: Duration({ min: '1s', max: '24h' }).prefault('60s'),
}

const SinkSettings = z.discriminatedUnion('kind', [
  z.strictObject({ ...Common, kind: z.literal('jsonl'), ...File }),
  z.strictObject({ ...Common, kind: z.literal('ocsf-file'), ...File }),
  z.strictObject({ ...Common, kind: z.literal('ocsf'), ...Endpoint }),
  z.strictObject({
    ...Common,
    kind: z.literal('syslog'),
    host: z.string().min(1).max(253),
    /** RFC 5425 §4.1 */
    port: Port.default(6514),
    /** RFC 5424 §6.2.1; 16 is local0, 13 is log audit */
    facility: z.int().min(0).max(23).default(13),
    ...Tls,
  }),
  z.strictObject({
    ...Common,
    kind: z.literal('otlp'),
    ...Endpoint,
    signals: z
      .array(z.enum(['logs', 'traces']))
      .min(1)
      .max(2)
      .default(['logs', 'traces']),
  }),
])
type SinkSettings = z.infer<typeof SinkSettings>

export const ExportSettings = z.strictObject({
  sinks: z
    .array(SinkSettings)
    .max(16)
    .refine((sinks) => new Set(sinks.map(({ name }) => name)).size === sinks.length, {
      message: 'want another name for each sink: its cursor and its ids are by that name',
    })
    .default([]),
  /** a sink that is further behind raises an alert */
  lag: z
    .strictObject({
      leaves: z.int().min(1).default(100_000),
      bytes: Size({ min: '1MiB', max: '16GiB' }).prefault('64MiB'),
      age: Duration({ min: '1s', max: '24h' }).prefault('60s'),
    })
    .prefault({}),
})
export type ExportSettings = z.infer<typeof ExportSettings>

/**
 * Reads what references point at, now.
 *
 * @throws SekishoError SECRET_MISSING
 */
export function resolveSinks(
  { sinks }: ExportSettings,
  environment: NodeJS.ProcessEnv,
): SinkConfig[] {
  return sinks.map((sink) => resolveSink(sink, environment))
}

function resolveSink(sink: SinkSettings, environment: NodeJS.ProcessEnv): SinkConfig {
  const read = (what: string, from: SecretSource): string =>
    readSecret({ from, binding: { name: `${sink.name} ${what}` } }, environment).reveal()
  const common = { name: sink.name, heartbeatMs: sink.heartbeat }
  switch (sink.kind) {
    case 'jsonl':
      return { ...common, kind: 'jsonl', file: fileOf(sink) }
    case 'ocsf-file':
      return { ...common, kind: 'ocsf', to: fileOf(sink) }
    case 'ocsf':
      return { ...common, kind: 'ocsf', to: endpointOf(sink, read) }
    case 'syslog': {
      const { host, port, facility } = sink
      return { ...common, kind: 'syslog', host, port, facility, tls: tlsOf(sink, read) }
    }
    case 'otlp': {
      const { signals } = sink
      return { ...common, kind: 'otlp', endpoint: endpointOf(sink, read), signals }
    }
  }
}

type Read = (what: string, from: SecretSource) => string
type TlsReferences = { [K in 'ca' | 'certificate' | 'key']?: SecretSource | undefined }

function tlsOf({ ca, certificate, key }: TlsReferences, read: Read): SinkTls {
  const pem = (what: string, from: SecretSource | undefined): string | null =>
    from === undefined ? null : read(what, from)
  return {
    ca: pem('ca', ca),
    certificate: pem('certificate', certificate),
    key: pem('key', key),
  }
}

function endpointOf(
  sink: TlsReferences & { url: string; headers: Readonly<Record<string, SecretSource>> },
  read: Read,
): SinkEndpoint {
  const headers = Object.entries(sink.headers).map(([name, from]) => [name, read(name, from)])
  return { url: sink.url, headers: Object.fromEntries(headers), tls: tlsOf(sink, read) }
}

function fileOf({ rotateAt, keep }: { rotateAt: number; keep: number }): SinkFile {
  return { rotateBytes: rotateAt, keep }
}

/** A URL is no place for one: it is shown. */
function hasNoSecret(url: string): boolean {
  const { username, password } = new URL(url)
  return username === '' && password === ''
}
