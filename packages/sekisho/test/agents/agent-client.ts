import { randomBytes } from 'node:crypto'
import type { Provider } from './model-server.ts'
import type { RecordedRequest } from './scripted-server.ts'
import type { SpellShell } from './turn.ts'

/** Where a client's parts lie, inside a session or outside. */
export type Places = {
  /** a directory of this name, or its packages do not find each other */
  modules: string
  /** a Node of the version that the project pins, for clients that are JavaScript */
  node: string
  /** directory of its `settings` */
  settings: string
}

/** A published client: how it is installed, started, and how it shows its key to its provider. */
export type AgentClient = {
  /** one of a kind in clients/all.ts */
  id: string
  /** in the table of the matrix */
  title: string
  /** the agent file of the default bundle that it runs under */
  name: string
  /** exact version in the npm registry */
  spec: string
  /** files below `node_modules` by which it sees that its install scripts have not run */
  markers?: readonly string[]
  provider: Provider
  /** its whole command line; no install script has run */
  command: (at: Places) => readonly [string, ...string[]]
  /** variables beside those of its agent file */
  environment?: (at: Places) => Readonly<Record<string, string>>
  /** JSON files that it reads, by name */
  settings?: Readonly<Record<string, unknown>>
  /** what its agent file has in place of what is shipped, such as another provider */
  agentFile?: Readonly<Record<string, unknown>>
  /** models.yaml of its bundle, where its provider has to be told there */
  models?: Readonly<Record<string, unknown>>
  /** where the model is called; what every call carries is the key */
  modelPath: string
  /** calls of a model that it makes beside those of its task, such as for a title */
  sideCalls: number
  shell: SpellShell
  /** what the client tries of its own accord, is denied, and does without: kind and subject */
  refused: readonly string[]
  key: {
    /** the credential's name in the agent file */
    credential: string
    /** variable of the daemon that the agent file reads the key from */
    source: string
    /** variable that the client reads */
    variable: string
    /** lower case */
    header: string
    /** what stands in the header before the key */
    scheme: '' | 'Bearer '
    /** what real keys of this provider begin with */
    prefix: string
    /** the client covers it in what its shell gives back */
    isHidden?: boolean
    /** it is always this one; left out for one of each run */
    value?: string
    /** what goes with it, in the daemon's environment, and in the client's where there is no daemon */
    beside?: Readonly<Record<string, string>>
    /** what is wrong with how a request shows it, where that is by no value in a header */
    whyNotShown?: (request: RecordedRequest) => string | undefined
  }
  /** what the client's shell tool gave back, from the requests that carried it */
  shellOutputs: (requests: readonly RecordedRequest[]) => string[]
}

/** A key that exists for one run only, so finding it outside the model server is a leak. */
export function inventKey({ key }: AgentClient): string {
  return key.value ?? `${key.prefix}${randomBytes(36).toString('base64url')}`
}

/** What the daemon's environment has of it. */
export function keyVariables({ key }: AgentClient, value: string): Record<string, string> {
  return { ...key.beside, [key.source]: value }
}

/** What is wrong with how requests show the key; nothing where each of them does. */
export function keyFaults(
  { key }: AgentClient,
  requests: readonly RecordedRequest[],
  value: string,
): string[] {
  const { header, scheme, whyNotShown } = key
  return requests.flatMap((request) => {
    if (whyNotShown !== undefined) return whyNotShown(request) ?? []
    const shown = request.headers[header]
    return shown === scheme + value ? [] : [`${header}: ${shown}`]
  })
}
