import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AgentClient } from './agent-client.ts'
import { installPackage } from './install-package.ts'

/** Writes the files that a client reads into a new directory, readable by everybody. */
export async function writeSettings(client: AgentClient, directory: string): Promise<void> {
  await mkdir(directory, { mode: 0o755 })
  for (const [name, content] of Object.entries(client.settings ?? {})) {
    await writeFile(join(directory, name), JSON.stringify(content), { mode: 0o644 })
  }
}

/** Installs a client as far as it can be without its install scripts; its `node_modules`. */
export async function installClient({ spec, markers = [] }: AgentClient): Promise<string> {
  const modules = await installPackage(spec)
  for (const marker of markers) await rm(join(modules, marker), { force: true })
  return modules
}
