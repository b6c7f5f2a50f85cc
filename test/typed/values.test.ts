/** Holds what we print of values, types and frames against gdb's words, question by question. */

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { LemmingError } from '../../src/base/errors.ts'
import type { InspectedFrame, Inspector } from '../../src/symbols/inspector.ts'
import { compileFile, run, temporaryDirectory } from '../elf/programs.ts'
import { momentOf } from './oracle.ts'

const directory = temporaryDirectory()
const programs = (name: string): string => join(import.meta.dirname, 'programs', name)

const pretty = ' -pretty --'

/** Our answer to a question as gdb is asked it. */
function answer(
  question: string,
  inspector: Inspector,
  frame: InspectedFrame,
  frames: readonly InspectedFrame[],
): string {
  const [word] = question.split(/[ /]/)
  const rest = question.slice(word.length)
  try {
    switch (word) {
      case 'print':
        if (rest.startsWith(pretty)) return inspector.print(rest.slice(pretty.length), { frame }, { pretty: true })
        return inspector.print(rest, { frame })
      case 'whatis':
        return `type = ${inspector.whatis(rest, { frame })}`
      case 'ptype':
        return `type = ${inspector.ptype(rest, { frame })}`
      case 'backtrace': {
        const last = frames.findIndex(({ name }) => name === 'main')
        const first = frames.indexOf(frame)
        return frames
          .slice(first, last + 1)
          .map((one) => inspector.describeFrame(one, { level: false }))
          .join('\n')
      }
      default: {
        const list = question === 'info args' ? inspector.args(frame) : inspector.locals(frame)
        return list.map(({ name, text }) => `${name} = ${text}`).join('\n')
      }
    }
  } catch (error) {
    if (error instanceof LemmingError && error.code !== 'internal') return `ERR ${error.message}`
    throw error
  }
}

/** Directories are gdb's business: it shows paths as they were given to the compiler. */
function comparable(question: string, text: string): string {
  if (question !== 'backtrace') return text.replace(/^\$\d+ = /, '').trimEnd()
  const frames = text.split('\n').map((line) => line.replace(/^#\d+ +/, '').replace(/ at \S*\//, ' at '))
  // gdb's stack begins where the program was stopped by a library.
  const own = frames.filter((line) => !/__pthread_kill|raise/.test(line))
  return own.join('\n')
}

function compare(program: string, frameName: string, questions: readonly string[]): void {
  const moment = momentOf(directory, program, ['run', `frame function ${frameName}`], questions)
  const { frames } = moment.inspector.frames(moment.threads[0])
  const frame = frames.find(({ name }) => name === frameName)!
  const ours = questions.map((one) => `${one}: ${comparable(one, answer(one, moment.inspector, frame, frames))}`)
  const theirs = questions.map((one, i) => `${one}: ${comparable(one, moment.answers[i])}`)
  expect(ours).toEqual(theirs)
}

const values = `
global_counter | static_name | &global_counter | everything | *everything.next | everything.next | everything.call | points | zeros
runs | big_text | mixed_text | octets | small | wide | u16 | u32 | bits | both | none | unknown | mixed | mixed_mask | bad_color
negative | cb | line | cv | atomic_number | doubles | floats | ld | cplx | words | matrix | names | strings | flexible | *flexible
flexible->items | big | tls_counter | tls_other | handler | null_pointer | bad_string | anonymous_struct | vector | deep | *deep.next
twice | *twice | &twice | main | vla | sizeof(points) | &points[1] | &everything.text | &everything.at | /x everything | /x bits
/d both | /c small | /x octets | /x doubles | /s octets | /t 10 | /o 8 | /z 5 | /f 1 | /f 1078530011 | /x -1 | /a 0x5555 | /c 321
/x 1.5 | /d 1.7 | /x &points | /u small | title | p | *pp | $rip | $rsp | $sp | $eax | $al | $ax | $xmm0 | $eflags | $mxcsr | /x $eflags
(char)65 | 1+2 | 1.5+2 | 10/3 | 10%3 | -5/2 | -5%3 | 1==1 | 1<2 && 3 | 5>4?1:0 | sizeof(int) | sizeof(struct everything) | 'a' | '\\n'
"abc" | "abc"[1] | 1u-2 | 3000000000 | 0xffffffff | 1ul<<40 | -1 >> 1 | ~0u | - - 5 | 5 & 3 | 8 ^ 1 | 1.0/3 | 1.0f/3 | (float)1/3 | 5/0
18446744073709551615 | 18446744073709551616 | 0b11 | 07 | 1e3 | (short)-1 | (unsigned char)300 | (char)321 | 10 > 9.5
everything.flags | everything.flags == F_B | (enum flags)3 | RED | F_A|F_B | &points[2]-&points[0] | *points@2 | points[0]@2 | work::calls
'values.c'::static_name | null_pointer[0] | nosuch | points.x | everything.nosuch | *global_counter | (struct point)points[1]
*(struct point*)&points[1] | !global_counter | ~global_counter | title[0] | *title@5 | everything.text[1] | &everything.text[1]
everything.numbers | i | calls | (struct nosuch)deep | (nosuch)deep | sizeof(nosuch) | {int}&global_counter | {char[4]}everything.text
*global_counter@0 | 1@3 | &5 | deep + 1 | 1 + | 1 ? 2 | 'ab' | everything.i->x | main + 1 | *5 | (long)title == (long)static_name
everything.text == everything.name | argv | everything.in1 | everything.u2 | everything.n.bytes[2] | /x line | /d line
deep.next->next->next->v | *&line | &line.to.y | *(int*)0 | everything.self->self->i | points[1].y * 2 + 1 | $nonreg
`
const types = `
everything | points | cb | main | line | enum flags | struct bits | words | matrix | 1+1 | 1.5 | 'a' | twice | vla | names | &names | strings
word | size_t | callback | bad_color | 1ul | vector | handler | union number | &everything.call | deep | cv | everything.matrix
anonymous_struct | "abc" | cplx | big | flexible->items | int* | char(*)[3] | int(*)(char) | unsigned | unsigned long int | long unsigned
struct nosuch | nosuch | 1 == 1 | 'a' + 1 | 1l + 1u | 1 + 1.5f | small + small | -small | (char*)0 | &points[1]
`

function list(text: string): string[] {
  return text
    .split(/\n| \| /)
    .map((one) => one.trim())
    .filter((one) => one !== '')
}

const cQuestions = [
  ...list(values).map((one) => (one.startsWith('/') ? `print${one}` : `print ${one}`)),
  ...list(types).flatMap((one) => [`whatis ${one}`, `ptype ${one}`]),
  ...['everything', 'points', 'line', 'matrix', '&points', '*pp'].map((one) => `print${pretty} ${one}`),
  'info locals',
  'info args',
  'backtrace',
]

describe('C', () => {
  test.each([
    ['-O0', '-gdwarf-5'],
    ['-O2', '-gdwarf-5'],
    ['-O1', '-gdwarf-4', '-fdebug-types-section'],
    ['-O1', '-gdwarf-3', '-gstrict-dwarf'],
  ])('values, types, variables and the stack are those of gdb, %s %s %s', (...flags) => {
    const program = compileFile(directory, programs('values.c'), ['-w', ...flags])
    compare(program, 'work', cQuestions)
  })
})

const classValues = `
*this | this | this->side | side | id | name | tag | color | unit | local | self | box | box.items | count | instances | limit | Base::count
shapes::Base::count | Square::instances | shapes::counter | counter | hidden | shapes::hidden | doubles | nested | member | method
virtualMethod | ::color | Color::Red | shapes::Color::Red | plain | shapes::PlainB | bits | diamond | diamond.v | diamond.left | derived
derived.x | empty | yes | !yes | yes && 0 | 1 == 1 | nothing | wide | lambda | &diamond | *(shapes::Base*)this | (shapes::Base*)this
(shapes::Named*)this | *(shapes::Square*)(shapes::Base*)this | sizeof(shapes::Square) | sizeof(Box<int, 2>) | sizeof(shapes::Box<int, 2>)
sizeof(*this) | &self | self.id | reference | &reference | &counter | main | *main | (int)Color::Blue | Color::Green == color
(shapes::Color)4 | (shapes::Color)3 | true | false | static_cast<int>(1.5) | int(1.5) | $rip | /x *this
`
const classTypes = `
*this | this | self | color | ::color | doubles | nested | member | method | lambda | main | shapes::Box<int, 2> | shapes::Color | reference
1==1 | box.items | unit
`
const classBodies = `
shapes::Base | shapes::Named | shapes::Diamond | shapes::Left | ::color | shapes::Color | plain | bits | empty | derived | lambda | Unit
shapes::Square::Unit | member | method | self | yes
`

describe('C++', () => {
  test.each([['-O0'], ['-O1']])('values, types, variables and the stack are those of gdb, %s', (level) => {
    const program = compileFile(directory, programs('classes.cc'), ['-g', '-w', level])
    compare(program, 'shapes::Square::area', [
      ...list(classValues).map((one) => (one.startsWith('/') ? `print${one}` : `print ${one}`)),
      ...['*this', 'diamond', 'derived', 'empty', 'nested', 'self'].map((one) => `print${pretty} ${one}`),
      ...list(classTypes).map((one) => `whatis ${one}`),
      ...list(classBodies).map((one) => `ptype ${one}`),
      'info locals',
      'info args',
      'backtrace',
    ])
  })
})

/** What gdb 13 can still say of what a new rustc writes; of pointers it says the kind by itself, and `*mut` for all. */
const rustValues = `
*self | self.x | (*self).y | scale | name | items | tuple | tuple.0 | tuple.1 | array | array[1] | yes | letter | some | none | *boxed
opt_ref | no_ref | rect | rect.w | circle | plain | pair | pair.1 | empty | *raw | result | bits | thing | slice | slice[0] | slice[1]
slice.length | big | shapes::COUNTER | shapes::inner::DEEP | 1 + 2 | 1 == 1 | scale as u8 | -5i32 | 5u8 | yes && false | !yes
!scale | self.x + scale | sizeof(i32) | /x scale | /x array | /x *self
`
const rustTypes = '*self | name | items | tuple | array | some | plain | yes | letter | big | closure'
const rustBodies = '*self | tuple | pair | plain | items | name | rect | some | empty | bits'

test.each(spawnSync('rustc', ['--version']).status === 0 ? ['rustc'] : [])(
  'Rust: values, types and arguments are those of gdb (%s)',
  (compiler) => {
    const program = join(directory, 'shapes')
    run(compiler, ['-g', '-Awarnings', '-C', 'opt-level=0', '-o', program, programs('shapes.rs')])
    compare(program, 'shapes::Point::stop', [
      ...list(rustValues).map((one) => (one.startsWith('/') ? `print${one}` : `print ${one}`)),
      ...list(rustTypes).map((one) => `whatis ${one}`),
      ...list(rustBodies).map((one) => `ptype ${one}`),
      'info args',
    ])
  },
)
