import { ERRORS, toSekishoError } from '../core/error.ts'
import { pathsFrom } from './paths.ts'
import { Supervisor } from './supervisor.ts'

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const warn = (line: string): void => void process.stderr.write(`sekisho: ${line}\n`)

async function main(): Promise<void> {
  const supervisor = new Supervisor({ paths: pathsFrom(process.env), say, warn })
  const stop = Promise.withResolvers<string>()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => stop.resolve(signal))
  }
  if (process.argv.includes('--until-stdin-closes')) {
    process.stdin.on('end', () => stop.resolve('its owner went away'))
    process.stdin.on('error', () => stop.resolve('its owner went away'))
    process.stdin.resume()
  }
  await supervisor.start()
  const reason = await stop.promise
  await supervisor.stop(reason)
}

try {
  await main()
  process.exit(0)
} catch (thrown) {
  const error = toSekishoError(thrown)
  const say = (line: string): void => void process.stderr.write(`${line}\n`)
  say(`sekisho: ${error.code}: ${error.message}`)
  if (error.cause instanceof Error) say(`cause: ${error.cause.message}`)
  if (error.hint !== undefined) say(`hint: ${error.hint}`)
  if (error.code === 'INTERNAL' && error.cause instanceof Error) say(error.cause.stack ?? '')
  process.exit(ERRORS[error.code].exit)
}
