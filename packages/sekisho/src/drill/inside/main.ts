import { spawnSync } from 'node:child_process'
import { ATTEMPT_TIMEOUT_MS, type Attempt, type Run, type Target } from './attempt.ts'
import { dnsAttacks } from './dns.ts'
import { escapes } from './escape.ts'
import { httpAttacks } from './http.ts'
import { networkAttacks } from './network.ts'

/**
 * The hostile script. It runs inside the sandbox with nothing of the platform but this folder.
 * Every attack has a process of its own, named after it, so that what the platform records can
 * be told apart by its command.
 */
const ATTACKS: Readonly<Record<string, Run>> = {
  ...escapes,
  ...networkAttacks,
  ...dnsAttacks,
  ...httpAttacks,
}

const [target = '{}', variable = '', only] = process.argv.slice(2)
if (only === undefined) runAll()
else {
  const placeholder = process.env[variable] ?? ''
  const around: Omit<Target, 'placeholder'> = JSON.parse(target)
  await runOne(only, { ...around, placeholder })
}

function runAll(): void {
  for (const id of Object.keys(ATTACKS)) {
    say({ begin: id })
    const child = spawnSync(
      process.execPath,
      ['--no-warnings', import.meta.filename, target, variable, id],
      {
        timeout: ATTEMPT_TIMEOUT_MS * 4,
        encoding: 'utf8',
      },
    )
    const line = child.stdout.trim().split('\n').at(-1) ?? ''
    say(line.startsWith('{') ? JSON.parse(line) : failed(id, `${child.error ?? ''}${child.stderr}`))
  }
  say({ done: Object.keys(ATTACKS).length })
}

/** An attack that could not be tried proves nothing: it is reported as such, not as blocked. */
function failed(id: string, why: string): unknown {
  return { id, untried: why.slice(0, 400) }
}

async function runOne(id: string, target: Target): Promise<void> {
  process.title = id
  const attempt: Attempt | undefined = await ATTACKS[id]?.(id, target)
  say(attempt === undefined ? failed(id, 'unknown') : { id, ...attempt })
}

function say(line: unknown): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
