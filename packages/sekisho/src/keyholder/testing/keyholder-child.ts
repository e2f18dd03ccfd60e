import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { Worker } from 'node:worker_threads'
import { ipcTransport } from '../../wire/transport.ts'
import { serveKeyholder } from '../service.ts'

/** A keyholder as the daemon starts it, which first says what its process may not do. */
const stateDir = process.argv[2] ?? ''

function codeOf(attempt: () => unknown): string {
  try {
    attempt()
    return 'done'
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error)
  }
}

function connecting(): Promise<string> {
  return new Promise((resolve) => {
    const thrown = codeOf(() => {
      const socket = connect(9, '127.0.0.1')
      socket.on('connect', () => resolve('done'))
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
    })
    if (thrown !== 'done') resolve(thrown)
  })
}

const attempts = {
  read: codeOf(() => readFileSync('/etc/passwd')),
  write: codeOf(() => writeFileSync('/tmp/sekisho-keyholder-was-here', '')),
  execute: codeOf(() => execFileSync('true')),
  thread: codeOf(() => new Worker('', { eval: true })),
  connect: await connecting(),
}
await serveKeyholder({ stateDir, now: () => new Date(), supervisor: ipcTransport(process) })
process.send?.({ ready: attempts })
