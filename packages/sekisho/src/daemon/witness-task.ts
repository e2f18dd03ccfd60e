import type { ExporterTask, TaskContext } from '../export/service.ts'
import { WitnessTask } from '../witness/client/witness-task.ts'

/** The client of the witnesses, in the exporter; nothing where nobody cosigns. */
export function witnessTask({ config, logDir, stateDir, record, say }: TaskContext): ExporterTask {
  const { witnessing } = config
  if (witnessing === null) return { stop: async () => undefined }
  const task = new WitnessTask({
    witnessing,
    logDir,
    stateDir,
    record,
    say,
    now: () => new Date(),
  })
  return {
    grown: (size) => task.grown(size),
    witnesses: () => task.status(),
    ask: (size) => task.ask(size),
    stop: () => task.stop(),
  }
}
