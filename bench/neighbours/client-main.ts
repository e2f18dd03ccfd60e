/**
 * An agent that asks for something every few milliseconds, as they do. Node's own modules only and
 * one file, for it runs inside a session. Arguments: HOST CA-FILE DURATION-MS. Prints the latency of
 * each request as a JSON array of milliseconds.
 */
import { readFileSync } from 'node:fs'
import https from 'node:https'
import { setTimeout as pause } from 'node:timers/promises'

const EVERY_MS = 5
const WARM_UP = 100
const REPLY_TIMEOUT_MS = 20_000

const [host = '', caFile = '', durationMs = '0'] = process.argv.slice(2)
const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca: readFileSync(caFile) })

function ask(): Promise<number> {
  const startedMs = performance.now()
  return new Promise((resolve, reject) => {
    const request = https.get({ host, path: '/', agent, timeout: REPLY_TIMEOUT_MS }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`))
      response.resume().on('end', () => resolve(performance.now() - startedMs))
    })
    request.on('timeout', () => request.destroy(new Error('no reply'))).on('error', reject)
  })
}

const latencies: number[] = []
for (let index = 0; index < WARM_UP; index++) await ask()
const until = performance.now() + Number(durationMs)
while (performance.now() < until) {
  const [tookMs] = await Promise.all([ask(), pause(EVERY_MS)])
  latencies.push(tookMs)
}
agent.destroy()
process.stdout.write(JSON.stringify(latencies))
