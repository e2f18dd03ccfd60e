import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runLoad } from './load.ts'
import type { LoadPlan } from './load-main.ts'
import { startUpstream, type Upstream } from './upstream.ts'

let directory: string
let upstream: Upstream
let plan: LoadPlan

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sekisho-load-'))
  upstream = await startUpstream(directory, 'upstream.bench')
  plan = {
    host: 'upstream.bench',
    port: upstream.port,
    path: '/',
    caFile: upstream.caFile,
    dial: { address: '127.0.0.1', port: upstream.port },
    proxy: false,
    mode: 'keep-alive',
    concurrency: 2,
    warmUpMs: 0,
    durationMs: 150,
  }
})

afterAll(async () => {
  await upstream?.stop()
  await rm(directory, { recursive: true, force: true })
})

test.for(['keep-alive', 'new-connection'] as const)('%s requests are timed', async (mode) => {
  const { requests, latencyMs } = await runLoad({ ...plan, mode })
  expect(requests).toBeGreaterThan(0) // how many, a busy machine decides
  expect(latencyMs.min).toBeGreaterThan(0)
  expect(latencyMs.median).toBeGreaterThanOrEqual(latencyMs.min)
  expect(latencyMs.p99).toBeGreaterThanOrEqual(latencyMs.median)
})

test('a server that the plan does not trust is a failure, not a fast request', async () => {
  await expect(runLoad({ ...plan, caFile: null })).rejects.toThrow('unable to verify')
})

test('a server without the name of the plan is a failure', async () => {
  await expect(runLoad({ ...plan, host: 'other.bench' })).rejects.toThrow('other.bench')
})
