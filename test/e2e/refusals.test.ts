/** What cannot be done is said in one line, with what to do next, and with the exit code that the README promises. */
import * as fs from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { schemas } from '../../src/cli/schema.ts'
import { Place } from './lemming.ts'

const place = new Place()
afterAll(() => place.remove())

beforeAll(() => {
  place.compile('prog', 'int main(void) { return 0; }\n')
  const elf = fs.readFileSync(join(place.path, 'prog'))
  const write = (name: string, bytes: Uint8Array | string): void =>
    fs.writeFileSync(join(place.path, name), bytes, { mode: 0o755 })
  const changed = (at: number, value: number): Buffer => {
    const bytes = Buffer.from(elf)
    bytes[at] = value
    return bytes
  }
  // Offsets of e_ident[EI_CLASS] and e_machine.
  write('elf32', changed(4, 1))
  write('aarch64', changed(18, 183))
  write('cut', elf.subarray(0, 3000))
  write('text', 'hello\n')
  fs.writeFileSync(join(place.path, 'plain'), 'x')
  place.lemming(['run', '--export', 'good.lemming', '--', './prog'])
  const good = fs.readFileSync(join(place.path, 'good.lemming'))
  write('cut.lemming', good.subarray(0, 500))
  good[400]! ^= 1
  write('bad.lemming', good)
})

describe('one line and the next step', () => {
  test.each<[string[], number, RegExp]>([
    [['run', '--', './nowhere'], 3, /\.\/nowhere: no such file/],
    [['run', '--', 'no-such-program'], 3, /no-such-program: no such program in PATH/],
    [['run', '--', '.'], 3, /\.: no such program in PATH/],
    [['run', '--', './plain'], 3, /\.\/plain: not executable/],
    [['run', '--', './text'], 3, /text: not an ELF file/],
    [['run', '--', './elf32'], 3, /elf32: 32-bit ELF/],
    [['run', '--', './aarch64'], 3, /aarch64: ELF of another machine \(AArch64\)/],
    [['run', '--', './cut'], 3, /cut: truncated ELF/],
    [['hunt', '--runs', '3', '--', './cut'], 3, /seed 0: .*cut: truncated ELF/],
    [['replay', 'F1'], 5, /F1: no such recording or failure/],
    [['replay', './text'], 5, /text: not a recording/],
    [['replay', 'cut.lemming'], 5, /cut\.lemming: corrupt recording/],
    [['replay', 'bad.lemming'], 5, /bad\.lemming: corrupt recording/],
    [['run', '--export', '/nowhere/x', '--', './prog'], 5, /\/nowhere\/x: ENOENT/],
    [['run'], 2, /no program is given/],
    [['run', '--cwd', 'nowhere', '--', './prog'], 2, /nowhere: no such directory/],
    [['run', '--frob', '--', './prog'], 2, /unknown option '--frob'/],
    [['run', '--seed', '-1', '--', './prog'], 2, /'-1' is invalid/],
    [['run', '--seed', '1.5', '--', './prog'], 2, /whole number/],
    [['run', '--env', 'X', '--', './prog'], 2, /NAME=VALUE/],
    [['run', '--check', 'rice', '--', './prog'], 2, /--check rice: no such check is built yet/],
    [['hunt', '--strategy', 'dice:3', '--', './prog'], 2, /there is no scheduling strategy 'dice:3'/],
    [['hunt', '--jobs', '0', '--', './prog'], 2, /from 1 to 256/],
    [['replay'], 2, /missing argument 'failure'/],
    [['frobnicate'], 2, /unknown command 'frobnicate'/],
  ])('lemming %j', (args, code, what) => {
    const ran = place.lemming(args)
    const [first = '', second = '', ...rest] = ran.stderr.split('\n')
    expect(first).toMatch(what)
    expect(first).toMatch(/^lemming: /)
    expect(second).toMatch(/^ {2}\S/)
    expect(rest).toEqual([''])
    expect(ran.code).toBe(code)
  })

  test('as JSON too', () => {
    const { error } = JSON.parse(place.lemming(['run', '--json', '--', './elf32']).stdout) as { error: unknown }
    expect(error).toMatchObject({
      code: 'elf-32-bit',
      message: expect.stringContaining('elf32'),
      next: expect.any(String),
    })
  })
})

describe('help', () => {
  test.each(['run', 'hunt', 'replay'] as const)(
    '%s --help names options and exit codes; --json-schema is what is checked',
    (command) => {
      const { code, stdout } = place.lemming([command, '--help'])
      expect(code).toBe(0)
      expect(stdout).toMatch(/--json /)
      expect(stdout).toMatch(/128\+n/)
      const schema = JSON.parse(place.lemming([command, '--json-schema']).stdout) as { required: string[] }
      expect(schema.required.toSorted()).toEqual(Object.keys(schemas[command].shape).toSorted())
    },
  )

  test('without a command it is shown', () => {
    const { code, stderr } = place.lemming([])
    expect(code).toBe(2)
    expect(stderr).toMatch(/run .*\n(.*\n)*.*hunt .*\n(.*\n)*.*replay /)
  })
})
