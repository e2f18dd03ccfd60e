#!/usr/bin/env node
import { isMainThread } from 'node:worker_threads'
import { serveSignatures } from '../src/command/signature-threads.ts'
import { verifyCommand } from '../src/command/verify-command.ts'

/** The auditor as a program of its own, and each thread of it. */
if (isMainThread) {
  const output = {
    out: (line: string): void => void process.stdout.write(`${line}\n`),
    err: (line: string): void => void process.stderr.write(`${line}\n`),
  }
  process.exitCode = await verifyCommand(process.argv.slice(2), output, new URL(import.meta.url))
} else {
  serveSignatures()
}
