import { beforeEach, describe, expect, test } from 'vitest'
import { SekishoError } from '../../core/error.ts'
import { writeKey } from '../../policy/operators.ts'
import { PolicyInstall } from '../../wire/control.ts'
import { agentFile, BundleDesk, operatorsFile, person } from './testing/bundle-desk.ts'

const [aiko, ben, mallory] = [person('aiko'), person('ben'), person('mallory')]
const SESSION = 's-00000000000000000000'
const subject = { agent: 'a', uid: 1000, phase: 'agent', argv: ['x'], hasWorkspace: false } as const

let desk: BundleDesk
beforeEach(() => {
  desk = new BundleDesk()
  desk.write('agents/a.yaml', agentFile('a', 'one.example'))
})

/** number of the generation that a session would begin under, or why none would */
async function begin(from: BundleDesk = desk): Promise<number | string> {
  return from.generations
    .withCurrent(({ number }) => number)
    .catch((error: unknown) => {
      if (error instanceof SekishoError) return `${error.code}: ${error.message}`
      throw error
    })
}

/** Whose signature counts. */
function names({ generations }: BundleDesk): unknown {
  const { judges } = generations
  return judges && { ...judges, operators: judges.operators.map(({ name }) => name) }
}

describe('a bundle that nobody signs', () => {
  test('comes into force as it is, and each change of it', async () => {
    expect(await begin()).toBe(1)
    desk.write('agents/a.yaml', agentFile('a', 'one.example', 'two.example'))
    expect(await begin()).toBe(2)
    expect(
      desk.installed.map(({ bundle, change, signers }) => [bundle.generation, change, signers]),
    ).toEqual([
      [1, 'first', []],
      [2, 'not-proven', []],
    ])
  })

  test('what is sent is what the supervisor takes', async () => {
    await begin()
    expect(PolicyInstall.parse(desk.installed[0])).toEqual(desk.installed[0])
  })

  test('files that are touched and not changed are no new generation', async () => {
    await begin()
    desk.write('tests/a.yaml', 'version: 1\ntests: []\n')
    expect([await begin(), desk.installed.length]).toEqual([1, 1])
  })

  test('every session that runs is sent along with what it is decided by', async () => {
    await begin()
    desk.running = [{ session: SESSION, subject }]
    desk.write('agents/a.yaml', agentFile('a', 'two.example'))
    await begin()
    expect(desk.installed[1]?.sessions).toEqual([
      {
        session: SESSION,
        decision: {
          generation: 2,
          agent: 'a',
          uid: 1000,
          policy: { rules: [expect.objectContaining({ id: 'r0', host: 'two.example' })] },
          begins: [{ what: 'task', label: { integrity: 'user', confidentiality: 'public' } }],
          task: ['x'],
        },
      },
    ])
  })

  test('a session of an agent that is gone is granted nothing', async () => {
    await begin()
    desk.running = [{ session: SESSION, subject }]
    desk.files.delete('agents/a.yaml')
    desk.write('agents/b.yaml', agentFile('b'))
    await begin()
    expect(desk.installed[1]?.sessions[0]?.decision.policy).toEqual({
      rules: [],
      tools: { rules: [], serverTools: [] },
    })
  })
})

describe('files that are not valid', () => {
  beforeEach(async () => {
    await begin()
    desk.write('agents/a.yaml', 'version: 1\nname: b\n')
  })

  test('change nothing for what runs, and nothing new begins while they lie there', async () => {
    expect(await begin()).toMatch(/^CONFIG_INVALID: agents\/a\.yaml:2:7: /)
    expect([desk.installed.length, desk.generations.inForce?.number]).toEqual([1, 1])
  })

  test('are recorded once, however often they are looked at', async () => {
    for (let n = 0; n < 3; n += 1) await begin()
    expect(desk.refused).toEqual([
      { digest: expect.stringMatching(/^sha256:/), reason: expect.stringMatching(/^agents\/a/) },
    ])
  })

  test('put back as they were, are in force again without another generation', async () => {
    await begin()
    desk.write('agents/a.yaml', agentFile('a', 'one.example'))
    expect([await begin(), desk.installed.length]).toEqual([1, 1])
    expect(desk.generations.refusal).toBeUndefined()
  })
})

describe('whose signature counts', () => {
  beforeEach(() => {
    desk.write('operators.yaml', operatorsFile(aiko, ben))
  })

  test('without a signature, it is said whose is missing', async () => {
    expect(desk.generations.judges).toBeNull()
    await begin()
    expect(names(desk)).toEqual({ operators: ['aiko', 'ben'], isFirst: true })
    expect(desk.hints).toEqual([expect.stringContaining('sekisho policy sign')])
  })

  test('after a restart, those of the approved one judge, even of files that are not valid', async () => {
    desk.sign(aiko)
    await begin()
    const next = desk.restarted()
    next.write('operators.yaml', operatorsFile(mallory))
    next.write('agents/a.yaml', 'version: 1\nname: b\n')
    expect(await begin(next)).toMatch(/^CONFIG_INVALID: /)
    expect(names(next)).toEqual({ operators: ['aiko', 'ben'], isFirst: false })
  })
})

describe('a bundle with operators', () => {
  beforeEach(() => {
    desk.write('operators.yaml', operatorsFile(aiko, ben))
  })

  test('without a signature does not come into force, not even as the first', async () => {
    expect(await begin()).toMatch(
      /^POLICY_REFUSED: the policy bundle sha256:\w+ is signed by none of aiko, ben$/,
    )
    expect([desk.installed, desk.refused.length]).toEqual([[], 1])
  })

  test('is trusted by the signature of one of its own operators, once', async () => {
    desk.sign(ben)
    expect(await begin()).toBe(1)
    expect(desk.installed[0]).toMatchObject({ change: 'first', signers: [{ name: 'ben' }] })
  })

  describe('in force,', () => {
    beforeEach(async () => {
      desk.sign(aiko)
      expect(await begin()).toBe(1)
    })

    test.for([
      ['without a signature', [], 'is signed by none of aiko, ben'],
      ['with the signature of somebody who is no operator', [mallory], 'is signed by none of'],
      ['that may widen, with one signature', [aiko], 'only aiko has signed it\nno proof is to be'],
      ['that may widen, with one person’s signature twice', [aiko, aiko], 'only aiko has signed'],
    ] as const)('a change %s is refused, and what runs goes on', async ([, people, message]) => {
      desk.write('agents/a.yaml', agentFile('a', 'two.example'))
      desk.sign(...people)
      expect(await begin()).toContain(message)
      expect([desk.installed.length, desk.generations.inForce?.number]).toEqual([1, 1])
      expect(desk.refused).toEqual([{ digest: expect.any(String), reason: expect.any(String) }])
    })

    test('a change that widens takes two operators', async () => {
      desk.write('agents/a.yaml', agentFile('a', 'two.example'))
      desk.sign(aiko, ben)
      expect(await begin()).toBe(2)
      expect(desk.installed[1]).toMatchObject({
        change: 'not-proven',
        signers: [{ name: 'aiko' }, { name: 'ben' }],
      })
    })

    test('a change is not signed by operators whom it brings along', async () => {
      desk.write('operators.yaml', operatorsFile(aiko, mallory, person('eve')))
      desk.sign(aiko, mallory)
      expect(await begin()).toContain('only aiko has signed it\nthe key of operator mallory is new')
    })

    test.for(['equal', 'narrower'] as const)(
      'a change that is proven %s takes one',
      async (change) => {
        desk.compare = () => Promise.resolve({ change, detail: 'proven' })
        desk.write('agents/a.yaml', agentFile('a'))
        desk.sign(ben)
        expect(await begin()).toBe(2)
        expect(desk.installed[1]).toMatchObject({
          change,
          detail: 'proven',
          signers: [{ name: 'ben' }],
        })
      },
    )

    test.for(['wider', 'not-proven'] as const)('a change that is %s takes two', async (change) => {
      desk.compare = () => Promise.resolve({ change, detail: 'GET https://two.example/' })
      desk.write('agents/a.yaml', agentFile('a', 'two.example'))
      desk.sign(ben)
      expect(await begin()).toContain('only ben has signed it\nGET https://two.example/')
      desk.sign(ben, aiko)
      expect(await begin()).toBe(2)
    })

    test.for([
      ['platform.yaml', 'version: 1\ngates: 2\n', 'platform.yaml differs'],
      ['approvals.yaml', 'version: 1\ntimeout: 1h\n', 'approvals.yaml differs'],
      [
        'users.yaml',
        `version: 1\nusers:\n  - { name: eve, uid: 7, key: "${writeKey(mallory.key)}" }\n`,
        'the key of user eve is new',
      ],
    ] as const)('%s, which no solver compares, takes two', async ([path, text, message]) => {
      desk.compare = () => Promise.resolve({ change: 'equal', detail: '' })
      desk.write(path, text)
      desk.sign(ben)
      expect(await begin()).toContain(`only ben has signed it\n${message}`)
      desk.sign(ben, aiko)
      expect(await begin()).toBe(2)
    })

    test.for([
      ['all operators', [], 'operators.yaml is left with 0 of 2 operators'],
      ['the other operator', [aiko], 'operators.yaml is left with 1 of 2 operators'],
    ] as const)('one operator alone does not do away with %s', async ([, left, message]) => {
      desk.compare = () => Promise.resolve({ change: 'equal', detail: '' })
      desk.write('operators.yaml', operatorsFile(...left))
      desk.sign(aiko)
      expect(await begin()).toContain(`only aiko has signed it\n${message}`)
    })

    test('an old signature is none over the changed files', async () => {
      desk.write('agents/a.yaml', agentFile('a'))
      expect(await begin()).toContain('is signed by none of')
    })

    test('signatures that cannot be read are refused with their place', async () => {
      desk.write('agents/a.yaml', agentFile('a'))
      desk.write('signatures.yaml', 'version: 2\nsignatures: []\n')
      expect(await begin()).toMatch(/^CONFIG_INVALID: signatures\.yaml:1:10: /)
    })

    test('operators may not be taken out of the bundle by an unsigned change', async () => {
      desk.files.delete('operators.yaml')
      expect(await begin()).toContain('is signed by none of aiko, ben')
    })

    describe('the platform is restarted:', () => {
      test('the same files are in force again', async () => {
        const next = desk.restarted()
        expect(await begin(next)).toBe(1)
        expect(next.installed[0]).toMatchObject({ change: 'equal', signers: [{ name: 'aiko' }] })
      })

      test('files that were changed meanwhile must be signed as if it had run', async () => {
        const next = desk.restarted()
        next.write('operators.yaml', operatorsFile(mallory))
        next.sign(mallory)
        expect(await begin(next)).toContain('is signed by none of aiko, ben')
        expect(next.installed).toEqual([])
      })
    })
  })
})

test('a control that was restarted goes on counting', async () => {
  desk.approved = { generation: 7, files: null }
  expect(await begin()).toBe(8)
})

test('an install that fails for now is tried again; the generation before goes on', async () => {
  await begin()
  desk.write('agents/a.yaml', agentFile('a', 'two.example'))
  desk.installFails = new SekishoError('PEER_UNAVAILABLE', 'the keyholder is not running')
  expect(await begin()).toBe('PEER_UNAVAILABLE: the keyholder is not running')
  expect([desk.generations.inForce?.number, desk.refused]).toEqual([1, []])
  expect(await begin()).toBe(3)
})

test('no generation comes into force between a plan and its session', async () => {
  await begin()
  const order: string[] = []
  const first = desk.generations.withCurrent(({ number }) => order.push(`planned by ${number}`))
  desk.write('agents/a.yaml', agentFile('a', 'two.example'))
  const second = desk.generations.withCurrent(({ number }) => order.push(`planned by ${number}`))
  await Promise.all([first, second])
  expect([order, desk.installed.length]).toEqual([['planned by 2', 'planned by 2'], 2])
})

test('a reload reads files that do not look changed, and says what is in force', async () => {
  await begin()
  desk.isStampBlind = true
  desk.write('agents/a.yaml', agentFile('a', 'two.example'))
  expect(await begin()).toBe(1)
  const { generation, isNew } = await desk.generations.reload()
  expect([generation.number, isNew]).toEqual([2, true])
  expect((await desk.generations.reload()).isNew).toBe(false)
})

test('what changes without a trace is found, recorded as drift, and then as any change', async () => {
  await begin()
  const approved = desk.generations.inForce?.digest
  desk.isStampBlind = true
  desk.write('agents/a.yaml', agentFile('a', 'two.example'))
  await desk.generations.poll()
  expect([desk.drift, desk.installed.length]).toEqual([[], 1])
  await desk.generations.compareFiles()
  const running = desk.generations.inForce?.digest
  expect([desk.drift, desk.installed.length]).toEqual([[{ approved, running, where: 'files' }], 2])
  await desk.generations.compareFiles()
  expect(desk.drift).toHaveLength(1)
})
