import { userInfo } from 'node:os'
import { resolve } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { pathsFrom } from '../daemon/paths.ts'
import { writeKey } from '../policy/operators.ts'
import type { Command } from './command.ts'
import { jsonFlag } from './flags.ts'
import { defaultKeyFile, writeNewKey } from './operator-key-file.ts'

export const operator: Command = {
  name: 'operator',
  summary: 'Make the key with which a person approves, signs policies and releases quarantines',
  usage: 'sekisho operator keygen [--name NAME] [--out FILE] [--json]',
  async run(argv, terminal) {
    const [action, ...rest] = argv
    const { values, positionals } = jsonFlag(operator.usage, rest, {
      name: { type: 'string' },
      out: { type: 'string' },
    })
    if (action !== 'keygen' || positionals.length > 0) {
      throw new SekishoError('USAGE', `operator ${action ?? ''}`, {
        hint: `usage: ${operator.usage}`,
      })
    }
    const { name = userInfo().username, out } = values
    const file = typeof out === 'string' ? resolve(out) : defaultKeyFile()
    const key = writeKey(writeNewKey(file).publicKey)
    if (values['json'] === true) {
      terminal.out(JSON.stringify({ file, name, key }))
      return 0
    }
    terminal.err(`the key is in ${file}; keep it to yourself`)
    terminal.err(
      `add this line below \`operators:\` in ${pathsFrom(process.env).bundle}/operators.yaml:`,
    )
    terminal.out(`  - { name: ${String(name)}, key: "${key}" }`)
    return 0
  },
}
