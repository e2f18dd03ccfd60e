import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ended, type Instance, openInstance, run } from './instance.ts'

let instance: Instance
beforeAll(async () => {
  instance = await openInstance()
})
afterAll(async () => instance?.close())

const sh = async (script: string): Promise<Ended> => run(instance, ['sh', '-c', script])
const lines = (end: Ended): string[] => end.stdout.split('\n').filter((line) => line !== '')

describe('the home of a session', () => {
  const files = [
    '.bash_login .bash_logout .bash_profile .bashrc .curlrc .gitconfig .inputrc .npmrc .profile',
    '.vimrc .wgetrc .zlogin .zprofile .zshenv .zshrc .config/git/attributes .config/git/config',
    '.config/git/ignore .config/pip/pip.conf',
  ].flatMap((line) => line.split(' '))
  const closed = ['.config/git', '.config/pip']
  const open = ['.', '.config']
  /** the agent's own: credentials that nobody has issued */
  const canaries = ['.aws/credentials', '.config/gh/hosts.yml']

  test('holds start files of the platform’s own and nothing else, each with its owner', async () => {
    const end = await sh("cd; find . | sed 's,^./,,' | xargs -d '\\n' stat -c '%n %u:%g %a %F'")
    const rows = [
      ...files.map((path) => `${path} 0:0 444 ${EMPTY.has(path) ? 'regular empty file' : FILE}`),
      ...closed.map((path) => `${path} 0:0 555 directory`),
      ...open.map((path) => `${path} 0:1000 1770 directory`),
      ...canaries.map((path) => `${path} 1000:1000 600 ${FILE}`),
      ...['.aws', '.config/gh'].map((path) => `${path} 1000:1000 700 directory`),
    ]
    expect(end.stderr).toBe('')
    expect(lines(end).toSorted()).toEqual(rows.toSorted())
  })
  const FILE = 'regular file'
  const EMPTY = new Set(['attributes', 'config', 'ignore'].map((name) => `.config/git/${name}`))
  EMPTY.add('.config/pip/pip.conf')

  test('lets none of them be written, removed, replaced or moved, and none be added', async () => {
    const all = ['.own', ...files, ...closed].join(' ') // the agent’s own shows that attempts work
    const script = `cd; touch .own
      for path in ${all}; do
        for attempt in 'echo x >> "$path"' 'rm -rf "$path"' 'mv "$path" moved' 'ln -sf /tmp/x "$path"' \\
          'cp /etc/passwd new && mv -f new "$path"' 'chmod 777 "$path"' 'touch "$path/added"'; do
          (eval "$attempt") 2>/dev/null && echo "$path: $attempt"
        done
      done; mv .config other 2>/dev/null && echo .config moved; rm -rf .own moved new; true`
    const before = 'cd; find . -type f | sort | xargs sha256sum; find . -type d | sort'
    const end = await sh(`(${before}) > /tmp/before; ${script}; (${before}) | diff /tmp/before -`)
    const done = ['echo x >> "$path"', 'rm -rf "$path"', 'ln -sf /tmp/x "$path"']
    expect({ code: end.code, done: lines(end) }).toEqual({
      code: 0,
      done: expect.arrayContaining(done.map((attempt) => `.own: ${attempt}`)),
    })
    expect(lines(end).filter((line) => !line.startsWith('.own: '))).toEqual([])
  })

  test('takes what the agent adds beside them', async () => {
    const script =
      'cd; mkdir .claude .config/tool; echo x > .claude/file; mv .claude .cursor; ls -A'
    const { code, stdout } = await sh(`${script}; rm -r .cursor .config/tool; ls .config`)
    const names = new Set([...files, ...closed, '.aws', 'gh'].map((path) => path.split('/')[0]))
    const added = stdout.split('\n').filter((name) => name !== '' && !names.has(name))
    expect({ code, added }).toEqual({ code: 0, added: ['.cursor', 'git', 'pip'] })
  })
})
