import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type TestOverlay, testOverlay } from './testing/overlay.ts'
import { diffWorkspace } from './workspace-diff.ts'
import { changeText } from './workspace-text.ts'

let overlay: TestOverlay
beforeEach(() => {
  overlay = testOverlay()
})
afterEach(() => overlay.remove())

async function kinds(): Promise<string[]> {
  const { changes } = await diffWorkspace(overlay.layers)
  return changes.map(({ path, before, after }) => {
    if (before === null) return `+ ${path} ${after?.type ?? ''}`
    if (after === null) return `- ${path} ${before.type}`
    return before.type === after.type ? `~ ${path}` : `! ${path} ${before.type} ${after.type}`
  })
}

describe('what changed', () => {
  test.for<{ name: string; before: string; does: string; want: string[] }>([
    { name: 'nothing', before: 'echo 1 > a', does: 'true', want: [] },
    { name: 'a new file', before: ':', does: 'echo 1 > a', want: ['+ a file'] },
    { name: 'content', before: 'echo 1 > a', does: 'echo 2 > a', want: ['~ a'] },
    {
      name: 'a write of the same bytes',
      before: 'echo 1 > a',
      does: 'echo 1 > a; touch a',
      want: [],
    },
    { name: 'a mode', before: 'echo 1 > a', does: 'chmod 755 a', want: ['~ a'] },
    { name: 'the mode of a directory', before: 'mkdir d', does: 'chmod 700 d', want: ['~ d'] },
    { name: 'a deletion', before: 'echo 1 > a', does: 'rm a', want: ['- a file'] },
    {
      name: 'a tree deleted',
      before: 'mkdir -p d/e; echo 1 > d/e/f',
      does: 'rm -r d',
      want: ['- d directory', '- d/e directory', '- d/e/f file'],
    },
    {
      name: 'a directory deleted and made again, empty (opaque)',
      before: 'mkdir -p d/e; echo 1 > d/a; echo 1 > d/e/f',
      does: 'rm -r d; mkdir d',
      want: ['- d/a file', '- d/e directory', '- d/e/f file'],
    },
    {
      name: 'a directory made again with some of its files as before',
      before: 'mkdir -p d/e; echo 1 > d/a; echo 1 > d/b; echo 1 > d/e/f',
      does: 'rm -r d; mkdir -p d/e; echo 1 > d/a; echo 2 > d/b',
      want: ['~ d/b', '- d/e/f file'],
    },
    {
      name: 'a rename of a directory',
      before: 'mkdir d; echo 1 > d/a',
      does: 'mv d e',
      want: ['- d directory', '- d/a file', '+ e directory', '+ e/a file'],
    },
    {
      name: 'a file that became a directory',
      before: 'echo 1 > a',
      does: 'rm a; mkdir a; echo 1 > a/b',
      want: ['! a file directory', '+ a/b file'],
    },
    {
      name: 'a directory that became a file',
      before: 'mkdir a; echo 1 > a/b',
      does: 'rm -r a; echo 1 > a',
      want: ['! a directory file', '- a/b file'],
    },
    {
      name: 'a link that leads elsewhere',
      before: 'ln -s x l; ln -s y m',
      does: 'ln -sfn z l; ln -sfn y m',
      want: ['~ l'],
    },
    {
      name: 'a fifo, and a file deleted that the session itself had made',
      before: ':',
      does: 'mkfifo p; echo 1 > a; rm a',
      want: ['+ p other'],
    },
  ])('$name', async ({ before, does, want }) => {
    overlay.user(before)
    overlay.session(does)
    expect(await kinds()).toEqual(want)
  })

  test('a name that is not UTF-8 is listed apart', async () => {
    overlay.session(String.raw`touch "$(printf 'a\377')"`)
    expect(await diffWorkspace(overlay.layers)).toEqual({
      changes: [],
      unreadable: [{ path: 'a\ufffd', reason: 'a name that is not UTF-8' }],
    })
  })
})

describe('the text of a change', () => {
  const text = async (path: string): Promise<string> => {
    const { changes } = await diffWorkspace(overlay.layers)
    const change = changes.find((candidate) => candidate.path === path)
    return change === undefined ? 'no change' : changeText(overlay.layers, change)
  }

  test.for([
    [
      'content',
      '~',
      'printf "a\\nb\\n" > f',
      'printf "a\\nc\\n" > f',
      'diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n',
    ],
    [
      'a new file',
      '+',
      ':',
      'echo x > f',
      'diff --git a/f b/f\nnew file mode 100644\n--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+x\n',
    ],
    [
      'a deletion',
      '-',
      'echo x > f',
      'rm f',
      'diff --git a/f b/f\ndeleted file mode 100644\n--- a/f\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n',
    ],
    [
      'a mode',
      '~',
      'echo x > f',
      'chmod 755 f',
      'diff --git a/f b/f\nold mode 100644\nnew mode 100755\n',
    ],
    [
      'a link',
      '+',
      ':',
      'ln -s t f',
      'diff --git a/f b/f\nnew file mode 120000\n--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+t\n\\ No newline at end of file\n',
    ],
    [
      'binary content',
      '~',
      'printf "\\000" > f',
      'printf "\\001\\000" > f',
      'diff --git a/f b/f\nBinary files a/f and b/f differ\n',
    ],
    [
      'a large file',
      '+',
      ':',
      'head -c 2000000 /dev/zero > f',
      'diff --git a/f b/f\nnew file mode 100644\nFiles /dev/null and b/f differ\n',
    ],
  ] as const)('%s', async ([, , before, does, want]) => {
    overlay.user(before)
    overlay.session(does)
    expect(await text('f')).toBe(want)
  })

  test('a name cannot write to the terminal', async () => {
    overlay.session(String.raw`touch "$(printf 'a\033[2J')"`)
    expect(await text('a\u001b[2J')).toContain(String.raw`"a/a\u001b[2J"`)
  })
})
