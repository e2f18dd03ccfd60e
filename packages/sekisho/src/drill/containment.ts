import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { IndexedLeaf } from '@sekisho/verify'
import * as z from 'zod'
import { parseJson } from '../core/parse-json.ts'

/** One way to try an escape, by an agent of its own: after it, the agent is shut out. */
export type Technique = { agent: string; attack: string; title: string }

export const TECHNIQUES: readonly Technique[] = [
  { agent: 'drill-mount', attack: 'esc-mount', title: 'mount a file system' },
  { agent: 'drill-clone', attack: 'esc-clone', title: 'a user namespace by clone' },
  { agent: 'drill-bpf', attack: 'esc-bpf', title: 'create a BPF map' },
  { agent: 'drill-sshkey', attack: 'file-sshkey', title: "read root's SSH key" },
]

export type ContainmentResult = {
  id: string
  title: string
  /** the session was over before its program could say how the attempt went */
  ended: boolean
  /** what the log says was kept is there, with the digests it says */
  evidence: boolean
  /** the same agent, started again, was refused, on record */
  refused: boolean
  frozenAfterMs: number | null
}

type Tried = Technique & { code: number | null; said: string; codeAgain: number | null }

const RUN_TIMEOUT_MS = 30_000
const KILLED = 137
const NOT_RUN = 125

const Contained = z.looseObject({
  session: z.string(),
  evidence: z.looseObject({ name: z.string(), digest: z.string(), failures: z.array(z.string()) }),
  frozenAfterMs: z.int(),
})
const Index = z.looseObject({
  files: z.array(
    z.strictObject({ name: z.string(), bytes: z.int(), sha256: z.string().nullable() }),
  ),
})

/** Tries each technique once, and then to start its agent again. */
export async function tryContainment(
  launcher: string,
  environment: NodeJS.ProcessEnv,
): Promise<Tried[]> {
  const tried: Tried[] = []
  for (const technique of TECHNIQUES) {
    const run = (command: readonly string[]): ReturnType<typeof execute> =>
      execute(launcher, ['run', '--agent', technique.agent, '--', ...command], environment)
    const target = JSON.stringify({ canaryPort: 0, hostAddresses: [] })
    const node = ['/opt/drill/bin/node', '--no-warnings', '/opt/drill/inside/main.ts']
    const first = await run([...node, target, '', technique.attack])
    const second = await run(['/bin/true'])
    tried.push({ ...technique, ...first, codeAgain: second.code })
  }
  return tried
}

/** @param evidence the state's directory of evidence */
export function judgeContainment(
  tried: readonly Tried[],
  leaves: readonly IndexedLeaf[],
  evidence: string,
): ContainmentResult[] {
  return tried.map(({ agent, attack, title, code, said, codeAgain }) => {
    const bodies = leaves.map(({ leaf }) => leaf)
    const session = bodies.find(
      (leaf) => leaf['type'] === 'session.start' && leaf['agent'] === agent,
    )
    const contained = Contained.safeParse(
      bodies.find(
        (leaf) => leaf['type'] === 'session.contained' && leaf['session'] === session?.['session'],
      ),
    ).data
    const isRecorded = bodies.some(
      (leaf) => leaf['type'] === 'session.refused' && leaf['agent'] === agent,
    )
    return {
      id: attack,
      title,
      ended: code === KILLED && said === '' && contained !== undefined,
      evidence:
        contained !== undefined && isWhole(join(evidence, contained.evidence.name), contained),
      refused: codeAgain === NOT_RUN && isRecorded,
      frozenAfterMs: contained?.frozenAfterMs ?? null,
    }
  })
}

function isWhole(directory: string, { evidence }: z.infer<typeof Contained>): boolean {
  if (evidence.failures.length > 0) return false
  try {
    const text = readFileSync(join(directory, 'index.json'))
    const { files } = Index.parse(parseJson(text.toString()))
    const areThere = files.every(
      ({ name, sha256 }) =>
        sha256 === null || sha256 === digestOf(readFileSync(join(directory, name))),
    )
    return areThere && files.length > 0 && digestOf(text) === evidence.digest
  } catch {
    return false // not there, or not what the index says
  }
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

async function execute(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ code: number | null; said: string }> {
  const child = spawn(file, args, {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: RUN_TIMEOUT_MS,
  })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    if (said.length < 65_536) said += chunk.toString()
  })
  await once(child, 'close')
  return { code: child.exitCode, said }
}
