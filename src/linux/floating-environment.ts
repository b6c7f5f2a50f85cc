/** Exists to find out before the first instruction whether a program asks which floating-point exceptions happened, so that they are kept from the start. */
import { STB, STT } from '../elf/constants.ts'
import { type ElfFile, isElfError } from '../elf/file.ts'

/** The functions of the C library that read exception flags (fenv(3), C23 7.6). */
const READERS = new Set([
  'fetestexcept',
  'fetestexceptflag',
  'fegetexceptflag',
  'fegetenv',
  'feholdexcept',
  'feupdateenv',
])

/**
 * Does the program itself call one of them? Its imports say so, or in a static program its functions. A stripped static program and libraries do not tell:
 * there the flags are kept from the first time on that the program writes them.
 */
export function readsExceptions(elf: ElfFile): boolean {
  let answer = answers.get(elf.bytes)
  if (answer === undefined) answers.set(elf.bytes, (answer = look(elf)))
  return answer
}

/** What was found out about files: the runs of a hunt load the same bytes again and again. */
const answers = new WeakMap<Uint8Array, boolean>()

function look(elf: ElfFile): boolean {
  try {
    const imports = elf.dynsym()
    const symbols = imports ?? elf.symtab()
    if (symbols === undefined) return false
    for (let i = 1; i < symbols.count; i++) {
      if (symbols.bindingOf(i) === STB.LOCAL || symbols.typeOf(i) !== STT.FUNC) continue
      if (imports !== undefined && symbols.sectionOf(i) !== 0) continue
      if (READERS.has(symbols.nameOf(i))) return true
    }
    return false
  } catch (error) {
    // The kernel does not care about symbols.
    if (isElfError(error)) return false
    throw error
  }
}
