import type http from 'node:http'
import type { LeafInput } from '../../../wire/leaves.ts'
import { filterSecret, type LlmFilter } from '../../../wire/llm.ts'
import { OTHER, type Scene, type SceneOptions } from '../../testing/scene.ts'
import { answering, messagesEvents, type ModelSceneOptions } from './model-scene.ts'

/** What the service of a filter knows the platform by; made up. */
export const FILTER_KEY = 'made-up-filter-key'

/** Its service is played by the second server of the scene. */
export const ARMOR: LlmFilter = {
  id: 'armor',
  kind: 'prompt-shields',
  host: OTHER,
  port: 443,
  basePath: '/base',
  credential: { kind: 'env', variable: 'ARMOR_KEY' },
  channels: ['user', 'tool-result'],
  minPermille: 500,
  onMatch: 'deny',
  timeoutMs: 15_000,
  onFailure: 'deny',
}

/** The same for what models write. */
export const GUARD: LlmFilter = { ...ARMOR, kind: 'bedrock-guardrail', channels: ['reply'] }

export type Service = (request: http.IncomingMessage, response: http.ServerResponse) => void

/** Of Prompt Shields: whether each text is an attack. */
export function shield(attackDetected: boolean): Service {
  return (_request, response) => {
    const analysis = { attackDetected }
    const answer = { userPromptAnalysis: analysis, documentsAnalysis: [analysis] }
    response.writeHead(200).end(JSON.stringify(answer))
  }
}

/** Of Bedrock: whether there is a topic that is not to be spoken of. */
export function guard(action: 'NONE' | 'GUARDRAIL_INTERVENED'): Service {
  return (_request, response) => {
    const topics = [{ action: 'BLOCKED' }]
    const assessments = action === 'NONE' ? [] : [{ topicPolicy: { topics } }]
    response.writeHead(200).end(JSON.stringify({ action, assessments }))
  }
}

/** Services that have not looked. */
export const BROKEN_SERVICES: [string, Service][] = [
  ['is late', () => undefined],
  ['is gone', (request) => void request.socket.destroy()],
  ['answers an error', (_request, response) => void response.writeHead(503).end()],
  ['answers nonsense', (_request, response) => void response.writeHead(200).end('{"yes":1}')],
  [
    'answers 16 MB',
    (_request, response) => void response.writeHead(200).end(Buffer.alloc(16 * 1024 * 1024, 0x20)),
  ],
]

/** A gate that asks these filters, in a session that was begun with their credentials. */
export async function filterScene(
  start: (options: ModelSceneOptions) => Promise<Scene>,
  { filters, service, ...more }: SceneOptions & { filters: readonly LlmFilter[]; service: Service },
): Promise<Scene> {
  const platformCredentials = filters.map(({ id, host, port, basePath }) => ({
    name: filterSecret(id),
    hosts: [host],
    port,
    header: 'ocp-apim-subscription-key',
    under: basePath,
  }))
  const scene = await start({
    llm: { filters: [...filters] },
    more: { platformCredentials, ...more },
  })
  for (const { id } of filters) scene.rig.keyholder.secrets.set(filterSecret(id), FILTER_KEY)
  scene.other.handler = service
  scene.canary.handler = answering(messagesEvents())
  return scene
}

/** Each intent but those of names: verdict, kind and rules. */
export function judged({ rig }: Scene): string[] {
  return rig.keyholder
    .intents()
    .filter(({ action: { kind } }) => kind !== 'dns.resolve')
    .map(({ action, verdict }) => `${verdict.kind} ${action.kind} ${verdict.rules.join(' ')}`)
}

/** A question of the filter above, as it is recorded. */
export const ASKED = 'allow http.request platform.filter filter.armor'

type Call = Extract<LeafInput, { type: 'llm.call' }>

/** The leaf of the first call that was made, when it is there. */
export async function callOf({ rig }: Scene): Promise<Call | undefined> {
  const isCall = (leaf: LeafInput): leaf is Call => leaf.type === 'llm.call'
  await rig.keyholder.until(({ leaves }) => leaves.some(isCall))
  return rig.keyholder.leaves.find(isCall)
}
