import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { SekishoError } from '../../core/error.ts'
import { type BatteryOptions, type BatteryReport, BatteryReportShape } from './report.ts'

const MAIN = join(import.meta.dirname, 'battery-main.ts')
const TIMEOUT_MS = 15 * 60_000
const MAX_STDERR_CHARS = 64 * 1024

/**
 * Mounts and names of its own, as the supervisor has them. Core files are on and the host has
 * another name, so that a sandbox that takes either from its host shows it.
 */
const LIKE_A_HOST = 'ulimit -c unlimited; hostname sekisho-battery-host; exec "$@"'
const APART = ['--mount', '--uts', '--propagation', 'slave', '/bin/sh', '-c', LIKE_A_HOST, 'sh']

/**
 * Runs the escape battery on this machine, as root, and hands over its reports as they come.
 *
 * @throws SekishoError SANDBOX_FAILED when it did not come to its end
 */
export async function runBattery(
  options: BatteryOptions,
  onReport: (report: BatteryReport) => void,
): Promise<void> {
  const child = spawn(
    'unshare',
    [...APART, process.execPath, '--no-warnings', MAIN, JSON.stringify(options)],
    { stdio: ['ignore', 'pipe', 'pipe'], timeout: TIMEOUT_MS },
  )
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-MAX_STDERR_CHARS)
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  for await (const line of createInterface({ input: child.stdout })) {
    onReport(BatteryReportShape.parse(JSON.parse(line)))
  }
  const code = await ended
  if (code !== 0)
    throw new SekishoError('SANDBOX_FAILED', `the battery ended with ${code}: ${said}`)
}
