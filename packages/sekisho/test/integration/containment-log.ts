import { expect } from 'vitest'
import * as z from 'zod'
import type { Instance } from './instance.ts'

const Leaf = z.looseObject({
  type: z.string(),
  agent: z.string().optional(),
  session: z.string().nullish(),
  of: z.looseObject({ session: z.string().optional() }).optional(),
})
export type Leaf = z.infer<typeof Leaf>

export async function logOf(instance: Instance, ...flags: readonly string[]): Promise<Leaf[]> {
  const { stdout } = await instance.sekisho('log', 'show', ...flags, '--json')
  const lines = stdout.split('\n').filter((line) => line !== '')
  return lines.map((line) => z.looseObject({ leaf: Leaf }).parse(JSON.parse(line)).leaf)
}

/** By their start leaves, since a session that changed nothing leaves nothing else. */
export async function sessionsOfLog(instance: Instance, agent: string): Promise<string[]> {
  const starts = (await logOf(instance)).filter((leaf) => leaf.type === 'session.start')
  return starts.filter((leaf) => leaf.agent === agent).map((leaf) => leaf.session ?? '')
}

/** Of one session of the agent, with its end; without what is said of what it ran. */
export async function leavesOf(instance: Instance, agent: string, which: number): Promise<Leaf[]> {
  const session = (await sessionsOfLog(instance, agent))[which] ?? ''
  const read = (): Promise<Leaf[]> => logOf(instance, '--session', session)
  await expect.poll(async () => (await read()).at(-1)?.type).toBe('session.end')
  return (await read()).filter(({ type }) => !['process.exec', 'alert'].includes(type))
}

const Listed = z.looseObject({
  entries: z.array(z.looseObject({ id: z.string(), agent: z.string() })),
})

/** @returns the id of the agent's first quarantine, released or not; empty when it has none */
export async function quarantineOf(instance: Instance, agent: string): Promise<string> {
  const { stdout } = await instance.sekisho('quarantine', 'list', '--all', '--json')
  const { entries } = Listed.parse(JSON.parse(stdout))
  return entries.find((entry) => entry.agent === agent)?.id ?? ''
}
