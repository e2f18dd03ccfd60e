import { pathsFrom } from './paths.ts'
import { runCeremony } from './root-ceremony.ts'

process.exitCode = await runCeremony(pathsFrom(process.env))
