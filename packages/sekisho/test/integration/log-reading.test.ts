import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import { type Instance, openInstance, run } from './instance.ts'

let instance: Instance
let session = ''
beforeAll(async () => {
  instance = await openInstance()
  await run(instance, ['sh', '-c', 'true'])
  const { stdout } = await instance.sekisho('log', 'query', '--type', 'session.start', '--json')
  session = Line.parse(JSON.parse(stdout)).leaf.session ?? ''
})
afterAll(() => instance.close())

const Line = z.looseObject({
  leaf: z.looseObject({
    session: z.string().optional(),
    reader: z.strictObject({ uid: z.int(), pid: z.int() }).optional(),
    what: z.string().optional(),
    query: z.string().optional(),
  }),
})

/** What is on record of readings: whose, and what for. */
async function readings(): Promise<string[]> {
  const { stdout } = await instance.sekisho('log', 'query', '--type', 'log.read', '--json')
  return stdout
    .trim()
    .split('\n')
    .map((line) => Line.parse(JSON.parse(line)).leaf)
    .map(({ reader, what, query }) => `${reader?.uid} ${what} ${query}`)
}

test('an operator’s own reading, by whichever command, is in the next query', async () => {
  const bundle = join(instance.directory, 'bundle')
  const commands = [
    ['log', 'show', '--session', session],
    ['logs', session],
    ['log', 'query', '--verdict', 'deny', '--count'],
    ['log', 'timeline', session],
    ['log', 'replay', session, '--at', '+1s'],
    ['log', 'sequence', session],
    ['log', 'export', '--out', bundle],
    ['policy', 'propose', session],
  ]
  const before = (await readings()).length
  for (const command of commands) await instance.sekisho(...command)
  expect((await readings()).slice(before)).toEqual([
    `0 show --session ${session}`,
    `0 show --session ${session}`,
    '0 query --verdict deny --count',
    `0 show timeline ${session}`,
    `0 replay ${session} --at +1s`,
    `0 show sequence ${session}`,
    `0 export --out ${bundle}`,
    `0 show policy propose ${session}`,
    '0 query --type log.read --json',
  ])
})

test('a session that has run is told whole, with nothing missing in its sequence', async () => {
  const { code, stdout } = await instance.sekisho('log', 'sequence', session)
  expect({ code, last: stdout.trim().split('\n').at(-1) }).toEqual({
    code: 0,
    last: 'nothing is missing, twice there, or at an impossible time',
  })
  const counted = await instance.sekisho('log', 'query', '--session', session, '--count')
  const { stdout: told } = await instance.sekisho('log', 'timeline', session)
  expect(told).toContain(`\n${counted.stdout.trim()} leaves: 1 session.start, `)
})

test('with its socket taken away, a platform that runs still leaves no reading without a record', async () => {
  await rm(join(instance.home, 'run/api.sock'))
  const { code, stdout, stderr } = await instance.sekisho('log', 'timeline', session)
  expect({ code, stdout }).toEqual({ code: 5, stdout: '' })
  expect(stderr).toContain('this reading could not be put on record, so nothing is shown')
})
