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
    appendAside: (descriptor, bytes, done) => {
      const { fail } = files
      if (fail === 'before') {
        setImmediate(done, new Error('ENOSPC, by demand'), 0)
        return
      }
      nodeFiles.appendAside(descriptor, bytes, (error, written) => {
        done(fail === 'after' ? new Error('EIO, by demand') : error, written)
      })
    },
  }
  return files
}
