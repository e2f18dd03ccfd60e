import { afterEach, beforeEach, expect, test } from 'vitest'
import * as z from 'zod'
import { canonicalJson } from '../core/canonical-json.ts'
import { HttpPost, retryAfterMs } from './http-post.ts'
import { openOtlp } from './otlp-sink.ts'
import { OpenSpans } from './otlp/spans.ts'
import { type ExportRecord, leafRecord } from './record.ts'
import { describeFailure, RefusedError, RetryError, type Sink } from './sink.ts'
import { HttpsReceiver, SECRET } from './testing/https-receiver.ts'
import { sampleLeaves, SESSION } from './testing/sample-leaves.ts'

/**
 * The requests as opentelemetry-proto 1.x defines them in JSON (collector/logs/v1/logs_service.proto,
 * collector/trace/v1/trace_service.proto, common/v1/common.proto; ids are hex, 64-bit integers are
 * strings: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding). Strict: a name that
 * is not there would be ignored by a receiver.
 */
const AnyValue: z.ZodType = z.union([
  z.strictObject({ stringValue: z.string() }),
  z.strictObject({ boolValue: z.boolean() }),
  z.strictObject({ intValue: z.string().regex(/^-?\d{1,19}$/) }),
  z.strictObject({ arrayValue: z.strictObject({ values: z.array(z.lazy(() => AnyValue)) }) }),
])
const Attributes = z
  .array(z.strictObject({ key: z.string().min(1), value: AnyValue }))
  .refine((all) => new Set(all.map(({ key }) => key)).size === all.length, 'a key twice')
const Resource = z.strictObject({ attributes: Attributes })
const Scope = z.strictObject({ name: z.string(), version: z.string() })
const Nano = z.string().regex(/^\d{1,20}$/)
const TraceId = z.string().regex(/^(?!0{32})[0-9a-f]{32}$/)
const SpanId = z.string().regex(/^(?!0{16})[0-9a-f]{16}$/)
const LogsRequest = z.strictObject({
  resourceLogs: z.array(
    z.strictObject({
      resource: Resource,
      scopeLogs: z.array(
        z.strictObject({
          scope: Scope,
          logRecords: z.array(
            z.strictObject({
              timeUnixNano: Nano,
              observedTimeUnixNano: Nano,
              severityNumber: z.int().min(1).max(24),
              severityText: z.string(),
              eventName: z.string(),
              body: AnyValue,
              attributes: Attributes,
              traceId: TraceId.optional(),
              spanId: SpanId.optional(),
            }),
          ),
          schemaUrl: z.string(),
        }),
      ),
      schemaUrl: z.string(),
    }),
  ),
})
const TracesRequest = z.strictObject({
  resourceSpans: z.array(
    z.strictObject({
      resource: Resource,
      scopeSpans: z.array(
        z.strictObject({
          scope: Scope,
          spans: z.array(
            z.strictObject({
              traceId: TraceId,
              spanId: SpanId,
              parentSpanId: SpanId.optional(),
              name: z.string().min(1),
              kind: z.int().min(0).max(5),
              startTimeUnixNano: Nano,
              endTimeUnixNano: Nano,
              attributes: Attributes,
              status: z.strictObject({
                code: z.int().min(0).max(2),
                message: z.string().optional(),
              }),
            }),
          ),
          schemaUrl: z.string(),
        }),
      ),
      schemaUrl: z.string(),
    }),
  ),
})

const ORIGIN = 'sekisho/log/test'
const place = { dir: '', version: '1', origin: ORIGIN, hostname: 'host.example', state: null }

let receiver: HttpsReceiver
let sink: Sink
beforeEach(async () => {
  receiver = new HttpsReceiver()
  await receiver.listen()
  sink = open()
})
afterEach(async () => {
  await sink.close()
  await receiver.close()
})

const all = sampleLeaves().map((leaf, index) => record(index, leaf))

test('every leaf is a log record, and every action a span, as the protocol defines them', async () => {
  expect(await sink.send(all, signal())).toBe(0)
  expect(receiver.posted.map(({ path }) => path)).toEqual(['/v1/logs', '/v1/traces'])
  const logs = LogsRequest.parse(posted(0)).resourceLogs[0]?.scopeLogs[0]?.logRecords ?? []
  expect(logs.map(({ body }) => body)).toEqual(all.map(({ line }) => ({ stringValue: line })))
  const spans = TracesRequest.parse(posted(1)).resourceSpans[0]?.scopeSpans[0]?.spans ?? []
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1)
  expect(spans.at(0)?.parentSpanId).toBeDefined()
  expect(receiver.posted[0]?.headers).toMatchObject({ 'content-type': 'application/json' })
})

test('a session is a trace: its actions lie below it, with verdict, rule and who approved', () => {
  const open = OpenSpans.from(ORIGIN, null)
  const spans = open.take(
    [
      { type: 'session.start', session: SESSION, agent: 'coder', at: '2026-01-02T03:04:05.000Z' },
      {
        type: 'approval.answer',
        session: SESSION,
        signed: { statement: { hold: 'h-1' } },
        signer: 'ops',
        result: 'approved',
      },
      {
        type: 'action.intent',
        session: SESSION,
        id: 'a1',
        at: '2026-01-02T03:04:06.000Z',
        action: {
          kind: 'http.request',
          method: 'GET',
          scheme: 'https',
          host: 'h',
          port: 443,
          path: '/',
        },
        verdict: { kind: 'allow', rules: ['r1'] },
        hold: { id: 'h-1', digest: 'x' },
      },
      {
        type: 'action.outcome',
        session: SESSION,
        id: 'a1',
        at: '2026-01-02T03:04:07.500Z',
        outcome: { kind: 'performed', status: 200, address: '192.0.2.1' },
      },
      {
        type: 'session.end',
        session: SESSION,
        exitCode: 0,
        reason: 'exit',
        at: '2026-01-02T03:04:09.000Z',
      },
    ].map((leaf, index) => record(index, leaf)),
  )
  expect(spans.map(({ name, status }) => ({ name, status }))).toEqual([
    { name: 'execute_tool http.request', status: { code: 1 } },
    { name: 'invoke_agent coder', status: { code: 1 } },
  ])
  const [action, session] = spans
  expect(action).toMatchObject({
    kind: 3,
    parentSpanId: session?.spanId,
    startTimeUnixNano: '1767323046000000000',
    endTimeUnixNano: '1767323047500000000',
  })
  const of = Object.fromEntries((action?.attributes ?? []).map(({ key, value }) => [key, value]))
  expect(of).toEqual({
    'gen_ai.operation.name': { stringValue: 'execute_tool' },
    'gen_ai.tool.name': { stringValue: 'http.request' },
    'gen_ai.agent.name': { stringValue: 'coder' },
    'gen_ai.conversation.id': { stringValue: SESSION },
    'session.id': { stringValue: SESSION },
    'sekisho.action.id': { stringValue: 'a1' },
    'sekisho.action.kind': { stringValue: 'http.request' },
    'sekisho.verdict': { stringValue: 'allow' },
    'sekisho.rules': { arrayValue: { values: [{ stringValue: 'r1' }] } },
    'sekisho.approvers': { arrayValue: { values: [{ stringValue: 'ops' }] } },
    'sekisho.outcome': { stringValue: 'performed' },
    'http.request.method': { stringValue: 'GET' },
    'http.response.status_code': { intValue: '200' },
    'url.scheme': { stringValue: 'https' },
    'url.path': { stringValue: '/' },
    'server.address': { stringValue: 'h' },
    'server.port': { intValue: '443' },
    'network.peer.address': { stringValue: '192.0.2.1' },
  })
})

test('what is sent again is byte for byte the same, whatever failed on the way', async () => {
  receiver.answers.push({ status: 200 }, { status: 503 })
  await expect(sink.send(all, signal())).rejects.toThrow('HTTP 503')
  await sink.send(all, signal())
  const [logs, traces, logsAgain, tracesAgain] = receiver.posted.map(({ body }) => body)
  expect(logsAgain).toBe(logs)
  expect(tracesAgain).toBe(traces)
})

test('an action that is under way at a restart is a whole span after it', async () => {
  const half = all.findIndex(({ leaf }) => leaf['type'] === 'action.outcome')
  await sink.send(all.slice(0, half), signal())
  const kept: unknown = JSON.parse(JSON.stringify(sink.state?.()))
  const again = open(kept)
  await again.send(all.slice(half), signal())
  const whole = open()
  await whole.send(all, signal())
  const spans = (i: number): string[] =>
    TracesRequest.parse(posted(i)).resourceSpans[0]?.scopeSpans[0]?.spans.map((span) =>
      JSON.stringify(span),
    ) ?? []
  expect([...spans(1), ...spans(3)]).toEqual(spans(5))
  await again.close()
  await whole.close()
})

test('a partial success is counted, for the records that were thrown away', async () => {
  receiver.answers.push(
    { status: 200, body: '{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"no"}}' },
    { status: 200, body: '{"partialSuccess":{"rejectedSpans":2}}' },
  )
  expect(await sink.send(all, signal())).toBe(5)
})

test.for<[number, Record<string, string>, string, number | undefined]>([
  [429, { 'retry-after': '7' }, 'RetryError', 7000],
  [503, {}, 'RetryError', undefined],
  [503, { 'retry-after': 'soon' }, 'RetryError', undefined],
  [401, {}, 'RetryError', undefined],
  [500, {}, 'RetryError', undefined],
  [400, {}, 'RefusedError', undefined],
  [413, {}, 'RefusedError', undefined],
])('HTTP %i %j is a %s', async ([status, headers, name, afterMs]) => {
  receiver.answers.push({ status, headers, body: `you sent ${SECRET}` })
  const error: unknown = await sink.send(all, signal()).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(name === 'RetryError' ? RetryError : RefusedError)
  if (error instanceof RetryError) expect(error.afterMs).toBe(afterMs)
  expect(describeFailure(error)).toBe(`HTTP ${status}`)
})

test('Retry-After as a date is measured by the receiver’s own clock', () => {
  const date = Date.parse('Fri, 02 Jan 2026 03:04:05 GMT')
  expect(retryAfterMs('Fri, 02 Jan 2026 03:04:35 GMT', date)).toBe(30_000)
  expect(retryAfterMs('Fri, 02 Jan 2026 03:00:00 GMT', date)).toBe(0)
  expect(retryAfterMs('Fri, 02 Jan 2026 03:04:35 GMT', Number.NaN)).toBeUndefined()
  expect(retryAfterMs(undefined, date)).toBeUndefined()
})

test('a receiver that hangs, is not trusted or is not there costs no secret', async () => {
  receiver.answers.push('hang')
  const late = new AbortController()
  const hanging = failureOf(sink, late.signal)
  await expect.poll(() => receiver.posted).toHaveLength(1)
  late.abort(new DOMException('late', 'TimeoutError')) // as AbortSignal.timeout does
  const failures = [await hanging]
  const strange = {
    ...receiver.endpoint(),
    tls: { ca: new HttpsReceiver().ca.pem, certificate: null, key: null },
  }
  const elsewhere = { ...receiver.endpoint(), url: 'https://localhost:1' }
  for (const endpoint of [strange, elsewhere]) {
    const other = openOtlp(
      { name: 'x', kind: 'otlp', heartbeatMs: 1, endpoint, signals: ['logs'] },
      place,
    )
    failures.push(await failureOf(other, signal()))
    await other.close()
  }
  expect(failures.map(describeFailure)).toEqual([
    'TimeoutError',
    'CERT_SIGNATURE_FAILURE',
    'ECONNREFUSED',
  ])
  expect(failures.map(describeFailure).join()).not.toContain(SECRET)
  expect(receiver.posted).toHaveLength(1)
})

test('a header with a line break is an error without its value', async () => {
  const endpoint = { ...receiver.endpoint(), headers: { authorization: `x\r\n${SECRET}` } }
  const http = new HttpPost(endpoint)
  const error: unknown = await http
    .post(endpoint.url, { body: '', type: 'text/plain', signal: signal() })
    .catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(Error)
  expect(describeFailure(error)).not.toContain(SECRET)
  await http.close()
})

async function failureOf(of: Sink, until: AbortSignal): Promise<unknown> {
  return of.send(all, until).then(
    () => 'it was sent',
    (thrown: unknown) => thrown,
  )
}

function open(state: unknown = null): Sink {
  const endpoint = receiver.endpoint()
  const common = { name: 'traces', kind: 'otlp', heartbeatMs: 1 } as const
  return openOtlp({ ...common, endpoint, signals: ['logs', 'traces'] }, { ...place, state })
}

function posted(index: number): unknown {
  return JSON.parse(receiver.posted[index]?.body ?? 'null')
}

function signal(): AbortSignal {
  return AbortSignal.timeout(60_000)
}

function record(index: number, leaf: object): Extract<ExportRecord, { kind: 'leaf' }> {
  const whole = { v: 2, at: '2026-01-02T03:04:05.678Z', ...leaf }
  return leafRecord(ORIGIN, { index, leaf: whole, line: canonicalJson(whole) })
}
