import { type LogFiles, nodeFiles } from '../log/files.ts'

/** Real files whose writes fail on demand: before, or after, all of it is in the file. */
export type FailingFiles = LogFiles & { fail: 'before' | 'after' | undefined }

export function failingFiles(): FailingFiles {
  const files: FailingFiles = {
    ...nodeFiles,
    fail: undefined,
    append: (descriptor, bytes) => {
      if (files.fail === 'before') throw new Error('ENOSPC, by demand')
      const written = nodeFiles.append(descriptor, bytes)
      if (files.fail === 'after') throw new Error('EIO, by demand')
      return written
    },
  }
  return files
}
