/**
 * A clock that goes while this thread works, in milliseconds. What else the machine does meanwhile
 * does not count, so a limit by it says something about the work and nothing about its neighbours.
 */
export function startThreadClock(): () => number {
  const before = process.threadCpuUsage()
  return () => {
    const { user, system } = process.threadCpuUsage(before)
    return (user + system) / 1000
  }
}
