import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { auditPath, type BundleReport, readLeaves, type SessionReport } from '@sekisho/verify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Instance, openInstance, processesOf, run, startRun } from './instance.ts'
import { clientAgent, startUpstream, type Upstream, UPSTREAM_HOST } from './recording-upstream.ts'

/**
 * The auditor's equations, held against what a real platform writes: with nothing left out of the
 * log, not one of them may tell of a difference.
 */

const VALUE = ['made', 'up', 'f00dfacefeedbeef0123'].join('-')
const CLIENT = ['--agent', 'client']

let directory: string
let upstream: Upstream
let instance: Instance
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sekisho-upstream-'))
  upstream = await startUpstream(directory, () => `you are ${VALUE}\n`)
  const token = { name: 'token', from: 'env:TOKEN', env: 'TOKEN', hosts: [UPSTREAM_HOST] }
  const agent = {
    ...Object(clientAgent(upstream)),
    secrets: [{ ...token, header: 'authorization' }],
  }
  instance = await openInstance({ agents: { client: agent }, secrets: { TOKEN: VALUE } })
})
afterAll(async () => {
  await instance?.close()
  await upstream?.close()
  await rm(directory, { recursive: true, force: true })
})

const URL = `https://${UPSTREAM_HOST}`

/** Something of everything that is counted: allowed, denied, repeated, broken off, written. */
const EVERYTHING = `
curl -s -m 5 -H "authorization: Bearer $TOKEN" ${URL}/used ${URL}/again ${URL}/again
curl -s -m 2 https://denied.example/; curl -s -m 2 http://192.0.2.1/; curl -s -m 2 -k ${URL}:8443/
for i in 1 2 3 4 5; do getent hosts name$i.example; getent hosts name1.example; done
bash -c 'echo x > /dev/udp/192.0.2.1/99; printf "GET / HTTP/1.1\\r\\n\\r\\n" > /dev/tcp/${UPSTREAM_HOST}/80'
bash -c 'exec 3<>/dev/tcp/${UPSTREAM_HOST}/80; printf "nonsense\\r\\n\\r\\n" >&3; cat <&3'
openssl s_client -connect ${UPSTREAM_HOST}:443 -tls1_1 </dev/null
for i in 1 2 3 4 5 6 7 8; do /usr/bin/true; done
printf '#!/bin/sh\\necho written\\n' > w; chmod +x w; ./w; sh -c ./w; exit 0
`

/** A session that asks for what it reads on stdin, and is asked once more after `meanwhile`. */
async function askingAround(meanwhile: () => Promise<void>): Promise<void> {
  const script = `echo ready; while read path; do
    curl -s -m 8 -o /dev/null ${URL}$path; getent hosts no$path.example; echo "$path done"; done`
  const client = startRun(instance, ['sh', '-c', script], { flags: CLIENT })
  await client.says('ready')
  client.process.stdin?.write('/before\n')
  await client.says('/before done')
  await meanwhile()
  client.process.stdin?.write('/after\n')
  await client.says('/after done')
  client.process.stdin?.end()
  await client.ended
}

/** Kills it, and waits until another stands in its place and sessions start again. */
async function killAndAwait(name: string): Promise<void> {
  const before = (await processesOf(instance))[name] ?? 0
  expect(before).toBeGreaterThan(1)
  process.kill(before, 'SIGKILL')
  const restarted = async (): Promise<boolean> => {
    const now = (await processesOf(instance).catch(() => ({ [name]: 0 })))[name] ?? 0
    return now > 1 && now !== before && (await run(instance, ['true'])).code === 0
  }
  await expect.poll(restarted, { interval: 100 }).toBe(true)
}

async function rootOf(log: string): Promise<string> {
  for await (const { leaf } of readLeaves(log, { types: ['identity.authority'] })) {
    return `-----BEGIN CERTIFICATE-----\n${String(leaf['root'])}\n-----END CERTIFICATE-----\n`
  }
  throw new Error('nobody says who signs')
}

async function audit(): Promise<BundleReport> {
  const log = join(instance.home, 'state/keyholder/log')
  const isOver = async (): Promise<boolean> => {
    const report = await auditPath(log, { root: await rootOf(log) })
    return report.kind === 'broken' || report.sessions.every(({ end }) => end !== null)
  }
  await expect.poll(isOver, { interval: 100 }).toBe(true)
  return auditPath(log, { root: await rootOf(log) })
}

function unequalIn(sessions: readonly SessionReport[]): object[] {
  return sessions.flatMap(({ compared }) => compared.filter(({ kind }) => kind === 'unequal'))
}

function incomparableIn({ compared }: SessionReport): string[] {
  return compared.flatMap((one) => (one.kind === 'not-comparable' ? [one.why] : []))
}

test('a session that does everything is complete to the last count, and nothing of it is left out', async () => {
  expect(await run(instance, ['bash', '-c', EVERYTHING], { flags: CLIENT })).toMatchObject({
    code: 0,
  })
  const report = await audit()
  expect(report).toMatchObject({ kind: 'sound', findings: [], gaps: [] })
  if (report.kind === 'broken') return
  const [session] = report.sessions
  expect(session && incomparableIn(session)).toEqual([])
  expect(session?.figures).toMatchObject({
    credentials: 3,
    'execs.written': 2,
    'outcomes.scrubbed': 3,
    'intents.http.request.allow': 3,
    'intents.net.connect.deny': expect.any(Number),
    'intents.dns.resolve.deny': expect.any(Number),
  })
})

test('with processes killed and identities taken back under it, it is sound, and says what it cannot compare', async () => {
  await askingAround(() => killAndAwait('keyholder'))
  await askingAround(() => killAndAwait('gate-0'))
  const contained = ['bash', '-c', 'unshare -U true; sleep 600']
  expect(await run(instance, contained, { flags: CLIENT })).toMatchObject({ code: 137 })
  const report = await audit()
  expect(report).toMatchObject({ kind: 'sound', findings: [] })
  if (report.kind === 'broken') return
  expect(unequalIn(report.sessions)).toEqual([])
  const reasons = new Set(report.sessions.flatMap(incomparableIn))
  expect([...reasons].sort()).toEqual(
    expect.arrayContaining(['its identity was revoked', 'keyholder.resumed']),
  )
})
