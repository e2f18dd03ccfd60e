import { randomBytes } from 'node:crypto'
import type { Provider } from './model-server.ts'
import type { RecordedRequest } from './scripted-server.ts'

/** A published client: how it is installed, started, and how it shows its key to its provider. */
export type AgentClient = {
  /** the agent file of the default bundle that it runs under */
  name: string
  /** exact version in the npm registry */
  spec: string
  provider: Provider
  /** below `node_modules`; a native binary, so no install script is needed */
  program: string
  args: readonly string[]
  /** where the model is called; what every call carries is the key */
  modelPath: string
  /** rules of each thing that the client tries of its own accord, is denied, and does without */
  refused: readonly (readonly string[])[]
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
  }
  /** what the client's shell tool gave back, from the requests that carried it */
  shellOutputs: (requests: readonly RecordedRequest[]) => string[]
}

/** A key that exists for one run only, so finding it outside the model server is a leak. */
export function inventKey({ key }: AgentClient): string {
  return `${key.prefix}${randomBytes(36).toString('base64url')}`
}
