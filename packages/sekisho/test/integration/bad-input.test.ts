import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Ended,
  environmentOf,
  type Instance,
  LAUNCHER,
  QUOTED_LAUNCHER,
  openInstance,
  run,
  start,
  startRun,
} from './instance.ts'
import { tracesOf } from './traces.ts'

let instance: Instance
let workspace: string
beforeAll(async () => {
  instance = await openInstance()
  workspace = join(instance.directory, 'workspace')
  mkdirSync(workspace)
  symlinkSync(workspace, join(instance.directory, 'link'))
})
afterAll(async () => instance?.close())

/** An agent file with these lines, for the time of one run. */
async function runAgent(lines: readonly string[], flags = ['--agent', 'broken']): Promise<Ended> {
  const path = join(instance.home, 'policy/agents/broken.yaml')
  writeFileSync(path, ['version: 1', 'name: broken', ...lines, ''].join('\n'))
  try {
    return await run(instance, ['true'], { flags })
  } finally {
    rmSync(path)
  }
}

/** What a refused start would leave if it had begun: leaves in the log, files, bundles. */
async function begun(): Promise<unknown> {
  const { stdout } = await instance.sekisho('log', 'show', '--json')
  const { kept } = tracesOf(instance.home, process.pid)
  return { starts: stdout.split('"type":"session.start"').length - 1, kept }
}

describe('sekisho run says what is wrong, with a hint, and starts nothing', () => {
  const rule = ['rules:', '  - {id: r, effect: allow, host: a.test}']
  const cases: { name: string; lines: string[]; stderr: string[] }[] = [
    {
      name: 'a misspelt key',
      lines: ['limits:', '  wallclock: 1s'],
      stderr: [
        'CONFIG_INVALID: agents/broken.yaml:4:3: limits: unknown key `wallclock`',
        'hint: did you mean `wallClock`?',
      ],
    },
    {
      name: 'an unknown preset',
      lines: ['presets: [git-forge]'],
      stderr: [
        'CONFIG_INVALID: agents/broken.yaml:3:11: presets[0]: unknown preset `git-forge`; there are none, off, package-registries, git-forges, llm-providers, llm-providers/anthropic, llm-providers/anthropic-files, llm-providers/anthropic-batches, llm-providers/openai, llm-providers/openai-embeddings, llm-providers/openai-files, llm-providers/openai-batches, llm-providers/google, llm-providers/google-embeddings, llm-providers/google-files, llm-providers/google-batches, llm-gateway',
        'hint: did you mean `git-forges`?',
      ],
    },
    {
      name: 'a secret whose variable is not set',
      lines: [
        ...rule,
        'secrets:',
        '  - {name: k, from: "env:SEKISHO_NOT_SET", hosts: [a.test], header: x-k}',
      ],
      stderr: [
        'SECRET_MISSING: secret k: variable SEKISHO_NOT_SET of the daemon is not set or empty',
        'hint: set SEKISHO_NOT_SET in the environment of `npm start` and start it again',
      ],
    },
    {
      name: 'a secret whose file is not there',
      lines: [
        ...rule,
        'secrets:',
        '  - {name: k, from: "file:/nonexistent/key", hosts: [a.test], header: x-k}',
      ],
      stderr: [
        'SECRET_MISSING: secret k: /nonexistent/key cannot be read',
        "cause: ENOENT: no such file or directory, open '/nonexistent/key'",
        'hint: put the value into /nonexistent/key, a regular file',
      ],
    },
    {
      name: 'an upstream whose CA is not there',
      lines: [
        ...rule,
        'upstreams:',
        '  - {host: a.test, address: 127.0.0.1, dialPort: 1, caFile: /nonexistent/ca.pem, reason: test}',
      ],
      stderr: [
        'CONFIG_INVALID: upstream CA /nonexistent/ca.pem cannot be read',
        'hint: mend caFile in the agent file',
      ],
    },
    {
      name: 'a mount whose source is not there',
      lines: ['mounts:', '  - {source: /nonexistent/tools, target: /opt/tools}'],
      stderr: [
        'CONFIG_INVALID: mount source /nonexistent/tools is not there',
        'hint: mend mounts in the agent file',
      ],
    },
  ]
  test.each(cases)('$name', async ({ lines, stderr }) => {
    const before = await begun()
    const end = await runAgent(lines)
    // the cause crosses from the supervisor for nobody: the message says it
    const said = end.stderr.split('\n').filter((line) => !line.startsWith('cause: '))
    const wanted = stderr.filter((line) => !line.startsWith('cause: '))
    expect({ code: end.code, said }).toEqual({
      code: 125,
      said: [`sekisho: ${wanted[0]}`, wanted[1], ''],
    })
    expect(await begun()).toEqual(before)
  })

  type Workspace = { name: string; path: () => string; why: string; hint?: string }
  const workspaces: Workspace[] = [
    { name: 'the root', path: () => '/', why: 'is a system directory' },
    {
      name: 'a symbolic link',
      path: () => join(instance.directory, 'link'),
      why: 'is a symbolic link',
      hint: 'name what it leads to',
    },
    {
      name: 'not there',
      path: () => '/nonexistent/w',
      why: 'cannot be read',
      hint: 'check that the directory exists',
    },
    {
      name: 'the platform’s state',
      path: () => join(instance.home, 'state'),
      why: 'overlaps the state of the platform',
    },
    { name: 'a file', path: () => LAUNCHER, why: 'is not a directory' },
  ]
  test.each(workspaces)('a workspace that is $name', async ({ path, why, hint }) => {
    const before = await begun()
    const end = await run(instance, ['true'], { flags: ['--workspace', path()] })
    const said = `sekisho: WORKSPACE_INVALID: workspace ${path()} ${why}`
    const stderr = `${said}\nhint: ${hint ?? 'name a project directory'}\n`
    expect(end).toEqual({ code: 125, signal: null, stdout: '', stderr })
    expect(await begun()).toEqual(before)
  })

  test('an agent that there is not', async () => {
    const end = await run(instance, ['true'], { flags: ['--agent', 'defualt'] })
    expect(end).toMatchObject({
      code: 125,
      stderr:
        'sekisho: AGENT_UNKNOWN: no agent `defualt`; there are default\nhint: did you mean `default`?\n',
    })
  })

  test('an option that there is not, and no command', async () => {
    const usage =
      'hint: usage: sekisho run [--agent NAME] [--workspace DIR] [--from SNAPSHOT] [--setup COMMAND | --no-setup] [--detach] -- COMMAND [ARGUMENT…]\n'
    expect(
      await start([LAUNCHER, 'run', '--agnet', 'x', '--', 'true'], instance).ended,
    ).toMatchObject({
      code: 64,
      stderr: `sekisho: USAGE: --agnet is no option of run\n${usage}`,
    })
    expect(await start([LAUNCHER, 'run', '--agent', 'default'], instance).ended).toMatchObject({
      code: 64,
      stderr: `sekisho: USAGE: no command\n${usage}`,
    })
  })

  test('a user who is not root', async () => {
    const command = `${asNobody} ${QUOTED_LAUNCHER} run -- true`
    expect(await shell(command)).toMatchObject({
      code: 125,
      stderr: expect.stringMatching(
        /^sekisho: PERMISSION_REQUIRED: .*\n(cause: .*\n)?hint: .*, or run this command as root\n$/,
      ),
    })
  })

  test('the daemon goes on after all that', async () => {
    expect(await run(instance, ['echo', 'fine'])).toMatchObject({ code: 0, stdout: 'fine\n' })
  })
})

const asNobody = 'setpriv --reuid 65534 --regid 65534 --clear-groups'
const shell = async (script: string, home = instance.home): Promise<Ended> =>
  start(['sh', '-c', script], { env: environmentOf(home), stdio: ['ignore', 'pipe', 'pipe'] }).ended

describe('sekisho serve says what this machine lacks', () => {
  const fresh = (name: string): string => {
    const home = join(instance.directory, name)
    mkdirSync(join(home, 'policy/agents'), { recursive: true })
    writeFileSync(join(home, 'policy/agents/default.yaml'), 'version: 1\nname: default\n')
    return home
  }
  const serve: string = `exec ${QUOTED_LAUNCHER} serve --until-stdin-closes`
  const hiding = (mount: string): string =>
    `exec unshare --mount --propagation private sh -c '${mount} && ${serve}'`

  test.each([
    {
      name: 'crun',
      script: hiding('mount --bind /dev/null /usr/bin/crun'),
      code: 3,
      stderr:
        "DEPENDENCY_MISSING: /usr/bin/crun cannot be executed\ncause: EACCES: permission denied, access '/usr/bin/crun'\nhint: install the Debian package crun\n",
    },
    {
      name: 'fanotify',
      script: hiding('mount -t tmpfs none /proc/sys/fs'),
      code: 3,
      stderr:
        'HOST_UNSUPPORTED: Linux RELEASE lacks: fanotify (CONFIG_FANOTIFY)\nhint: use a kernel with these features (Debian 12 has them) and run as root\n',
    },
    {
      name: 'the right to configure networks',
      script: `exec setpriv --bounding-set=-net_admin ${QUOTED_LAUNCHER} serve --until-stdin-closes`,
      code: 3,
      stderr:
        'HOST_UNSUPPORTED: Linux RELEASE lacks: CAP_NET_ADMIN: run the daemon as root with it\nhint: use a kernel with these features (Debian 12 has them) and run as root\n',
    },
    {
      name: 'the right to make namespaces',
      script: `exec setpriv --bounding-set=-sys_admin ${QUOTED_LAUNCHER} serve --until-stdin-closes`,
      code: 77,
      stderr:
        'PERMISSION_REQUIRED: this root lacks CAP_SYS_ADMIN\nhint: run it outside of the container, or in one that has this capability\n',
    },
    {
      name: 'root, and subordinate ids for this user',
      script: `exec ${asNobody} ${QUOTED_LAUNCHER} serve --until-stdin-closes`,
      code: 77,
      stderr:
        'PERMISSION_REQUIRED: /etc/subuid has no range for nobody\nhint: have root run `usermod --add-subuids 100000-165535 --add-subgids 100000-165535 nobody`, or run this command as root\n',
    },
    {
      name: 'root, and user namespaces for users',
      script: `exec unshare --mount sh -c 'echo 0 >"$0" && mount --bind "$0" /proc/sys/user/max_user_namespaces && exec ${asNobody} ${QUOTED_LAUNCHER} serve --until-stdin-closes' "$SEKISHO_HOME/none"`,
      code: 3,
      stderr:
        'HOST_UNSUPPORTED: /proc/sys/user/max_user_namespaces is 0: no user namespaces for users\nhint: have root run `sysctl user.max_user_namespaces=10000`, or run this command as root\n',
    },
  ])('$name', async ({ name, script, code, stderr }) => {
    const end = await shell(script, fresh(name.replaceAll(' ', '-')))
    const said = end.stderr.replace(/Linux \S+ lacks/, 'Linux RELEASE lacks')
    expect({ code: end.code, said }).toEqual({ code, said: `sekisho: ${stderr}` })
    expect(end.stdout).not.toContain('ready')
  })

  test('a misspelt key in platform.yaml', async () => {
    const home = fresh('settings')
    writeFileSync(join(home, 'policy/platform.yaml'), 'version: 1\ngatez: 2\n')
    const end = await shell(serve, home)
    const path = join(home, 'policy/platform.yaml')
    expect(end).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`CONFIG_INVALID: ${path}: `),
    })
    expect(end.stderr).toContain('gatez')
    expect(end.stderr).toContain('hint: ')
  })

  test('a second daemon of one home is refused, and the first one’s sessions go on', async () => {
    const script = 'echo ready; read line; echo "$line" > file; cat file'
    const flags = ['--workspace', workspace]
    const client = startRun(instance, ['sh', '-c', script], { flags })
    await client.says('ready')
    const before = tracesOf(instance.home, process.pid).kept
    const end = await shell(serve)
    const socket = join(instance.home, 'run/api.sock')
    expect(end).toEqual({
      code: 4,
      signal: null,
      stdout: '',
      stderr: `sekisho: DAEMON_RUNNING: a daemon already answers at ${socket}\nhint: use it (\`sekisho status\`), or stop it first\n`,
    })
    expect(tracesOf(instance.home, process.pid).kept).toEqual(before)
    client.process.stdin?.end('written\n')
    expect(await client.ended).toMatchObject({ code: 0, stdout: 'ready\nwritten\n' })
  })
})
