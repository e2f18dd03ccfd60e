import type { Isolation, RuntimeName } from '../../wire/sandbox.ts'
import { crun } from './crun.ts'
import type { Runtime } from './runtime.ts'

export function runtimeFor(isolation: Isolation, preferred: RuntimeName): Runtime {
  void isolation
  void preferred
  return crun
}
