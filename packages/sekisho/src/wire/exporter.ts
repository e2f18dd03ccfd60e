import * as z from 'zod'
import { LeafInput } from './leaves.ts'
import { Port } from './schemas.ts'
import { WitnessAnswer, Witnessing, WitnessStatus } from './witness.ts'

/** What the exporter is told and asked; what it asks of the supervisor. */

export const SinkName = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/, 'want lower-case letters, digits and hyphens')

/** How a receiver is known and what we show it; the supervisor has read the files. */
export const SinkTls = z.strictObject({
  /** PEM; null: the roots that this host trusts */
  ca: z.string().max(262_144).nullable(),
  certificate: z.string().max(65_536).nullable(),
  /** PEM; secret */
  key: z.string().max(65_536).nullable(),
})
export type SinkTls = z.infer<typeof SinkTls>

/** An `https:` endpoint; the values of headers are secret. */
export const SinkEndpoint = z.strictObject({
  url: z.url({ protocol: /^https$/ }),
  headers: z.record(z.string().regex(/^[a-z0-9-]{1,64}$/), z.string().max(8192)),
  tls: SinkTls,
})
export type SinkEndpoint = z.infer<typeof SinkEndpoint>

/** Files below the exporter's own directory. */
export const SinkFile = z.strictObject({
  rotateBytes: z.int().min(1),
  /** rotated files that stay beside the one being written */
  keep: z.int().min(1).max(10_000),
})
export type SinkFile = z.infer<typeof SinkFile>

const Common = { name: SinkName, heartbeatMs: z.int().min(1) }

/** One sink with everything resolved. */
export const SinkConfig = z.discriminatedUnion('kind', [
  z.strictObject({ ...Common, kind: z.literal('jsonl'), file: SinkFile }),
  z.strictObject({
    ...Common,
    kind: z.literal('ocsf'),
    to: z.union([SinkFile, SinkEndpoint]),
  }),
  z.strictObject({
    ...Common,
    kind: z.literal('syslog'),
    host: z.string().min(1).max(253),
    port: Port,
    /** RFC 5424 §6.2.1 */
    facility: z.int().min(0).max(23),
    tls: SinkTls,
  }),
  z.strictObject({
    ...Common,
    kind: z.literal('otlp'),
    endpoint: SinkEndpoint,
    signals: z
      .array(z.enum(['logs', 'traces']))
      .min(1)
      .max(2),
  }),
])
export type SinkConfig = z.infer<typeof SinkConfig>
export type SinkConfigOf<K extends SinkConfig['kind']> = Extract<SinkConfig, { kind: K }>

/** When a sink counts as behind. */
export const LagBounds = z.strictObject({
  leaves: z.int().min(1),
  bytes: z.int().min(1),
  ageMs: z.int().min(1),
})
export type LagBounds = z.infer<typeof LagBounds>

/** What one field of a leaf must be. */
export const AlertCondition = z.strictObject({
  /** keys from the top of the leaf, joined by dots */
  field: z.string().regex(/^[A-Za-z][\w-]*(?:\.[A-Za-z][\w-]*){0,7}$/),
  is: z.union([
    z.strictObject({ equals: z.union([z.string(), z.number(), z.boolean(), z.null()]) }),
    z.strictObject({ oneOf: z.array(z.string()).min(1).max(64) }),
    z.strictObject({ startsWith: z.string().min(1) }),
    z.strictObject({ atLeast: z.number() }),
    z.strictObject({ present: z.boolean() }),
  ]),
})
export type AlertCondition = z.infer<typeof AlertCondition>

export const AlertRule = z.strictObject({
  name: z.string().min(1).max(128),
  /** of the leaf; all conditions must hold as well */
  type: z.string().min(1).max(64),
  where: z.array(AlertCondition).max(16),
  severity: z.enum(['low', 'medium', 'high']),
  /** so many leaves within the window make one alert */
  threshold: z.int().min(1).max(1000),
  windowMs: z.int().min(1),
  /** counts apart for each value of this field */
  per: z.string().max(64).nullable(),
})
export type AlertRule = z.infer<typeof AlertRule>

export const ExporterConfig = z.strictObject({
  /** name and key hash of the log: what makes an index unique among hosts */
  origin: z.string().min(1).max(512),
  version: z.string().max(64),
  sinks: z.array(SinkConfig).max(16),
  lag: LagBounds,
  alerts: z.array(AlertRule).max(256),
  /** null: nobody cosigns */
  witnessing: Witnessing.nullable().default(null),
})
export type ExporterConfig = z.infer<typeof ExporterConfig>

export const SinkStatus = z.strictObject({
  name: z.string(),
  kind: z.string(),
  /** `stopped`: the log is not the one that it has sent; nothing is sent until an operator looks */
  state: z.enum(['idle', 'sending', 'retrying', 'stopped']),
  /** leaves that the receiver has acknowledged, or that it refused */
  sent: z.int().min(0),
  refused: z.int().min(0),
  behind: z.strictObject({ leaves: z.int(), bytes: z.int(), ageMs: z.int() }),
  lagging: z.boolean(),
  failure: z.string().max(512).nullable(),
})
export type SinkStatus = z.infer<typeof SinkStatus>

export const supervisorToExporter = {
  configure: { params: ExporterConfig, result: z.strictObject({}) },
  status: {
    params: z.strictObject({}),
    result: z.strictObject({
      sinks: z.array(SinkStatus).max(32),
      witnesses: z.array(WitnessStatus).max(16).default([]),
    }),
  },
  /** at a start, of a log that has so many leaves */
  'witness.ask': {
    params: z.strictObject({ size: z.int().min(0) }),
    result: z.strictObject({ answers: z.array(WitnessAnswer).max(16) }),
  },
} as const

/** The only leaves that the exporter may have written. */
const EXPORTER_LEAVES: readonly string[] = ['platform.alert', 'witness.refused']

export const exporterToSupervisor = {
  /** leaves that the keyholder has acknowledged: what may leave the house */
  'log.size': { params: z.strictObject({}), result: z.strictObject({ size: z.int().min(0) }) },
  record: {
    params: z.strictObject({
      leaf: LeafInput.refine(({ type }) => EXPORTER_LEAVES.includes(type)),
    }),
    result: z.strictObject({ index: z.int() }),
  },
} as const
