import { bindFunction } from './libc.ts'

const F_DUPFD_CLOEXEC = 1030

const fcntl = bindFunction<[number, number, number]>('int fcntl(int, int, int)')

/** A second descriptor for the same open file, closed on exec. @throws SekishoError */
export function duplicateDescriptor(fd: number): number {
  return fcntl(fd, F_DUPFD_CLOEXEC, 3)
}
