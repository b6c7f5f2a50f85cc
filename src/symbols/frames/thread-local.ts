/** Exists to find a thread's own copy of a variable: through the thread control block, and the tables of the C library behind it. */

import { LemmingError } from '../../base/errors.ts'
import { bitsOf } from '../locations/typed.ts'
import type { LoadedModule, Symbolizer } from '../symbolizer.ts'
import type { ThreadState } from './thread.ts'
import { readAll } from './thread.ts'

const PT_TLS = 7
const DT_DEBUG = 21

/**
 * The address of what lies at `offset` in `module`'s thread-local storage, for a thread. The block of the program itself lies right below
 * the thread pointer (psABI, variant II). Those of libraries are found as libthread_db does, by what the C library says of its own
 * structures in `_thread_db_*`. Throws `expression-thread-local`.
 */
export function threadLocalAddress(
  symbolizer: Symbolizer,
  module: LoadedModule,
  thread: ThreadState,
  offset: number,
): number {
  const pointer = threadPointer(thread)
  const segment = symbolizer.objectFile(module).file?.segment(PT_TLS)
  if (segment === undefined) throw cannot(module, 'it has no thread-local storage')
  if (isProgram(symbolizer, module)) {
    const align = Math.max(1, segment.align)
    const size = Math.ceil((segment.memsz + (segment.vaddr % align)) / align) * align
    return pointer - size + (segment.vaddr % align) + offset
  }
  return byLibrary(symbolizer, module, thread, pointer) + offset
}

function threadPointer(thread: ThreadState): number {
  const base = thread.otherRegister?.('fs_base')
  if (base === undefined)
    throw new LemmingError('expression-thread-local', 'Cannot find thread-local storage: fs_base is not known')
  return Number(bitsOf(base))
}

function cannot({ path }: LoadedModule, why: string): LemmingError {
  return new LemmingError('expression-thread-local', `Cannot find thread-local storage of ${path}: ${why}`)
}

/** The program is what has an interpreter, or no dynamic section at all. */
function isProgram(symbolizer: Symbolizer, module: LoadedModule): boolean {
  const elf = symbolizer.objectFile(module).file
  if (elf === undefined) return false
  return (
    elf.interpreter() !== undefined ||
    !elf.positionIndependent ||
    (elf.needed().length === 0 && elf.soname() === undefined)
  )
}

function byLibrary(symbolizer: Symbolizer, module: LoadedModule, thread: ThreadState, pointer: number): number {
  const library = symbolizer.loaded.find(
    (one) => symbolizer.objectFile(one).symbolNamed('_thread_db_link_map_l_tls_modid') !== undefined,
  )
  if (library === undefined) throw cannot(module, 'no C library says where it is')
  const word = (address: number): number => Number(bitsOf(readAll(thread, address, 8)))
  /** Bits, number and offset of a field, as the C library has them for debuggers. */
  const field = (name: string): { size: number; offset: number } => {
    const symbol = symbolizer.objectFile(library).symbolNamed(`_thread_db_${name}`)
    if (symbol === undefined) throw cannot(module, `the C library does not say where ${name} is`)
    const view = new DataView(readAll(thread, symbol.start + library.bias, 12).slice().buffer)
    return { size: view.getUint32(0, true) / 8, offset: view.getUint32(8, true) }
  }
  const map = linkMapOf(symbolizer, module, thread)
  const id = word(map + field('link_map_l_tls_modid').offset)
  const vector = word(pointer + field('pthread_dtvp').offset)
  const slots = symbolizer.objectFile(library).symbolNamed('_thread_db_dtv_dtv')
  if (slots === undefined) throw cannot(module, 'the C library does not say where its vectors are')
  const slotSize = new DataView(readAll(thread, slots.start + library.bias, 12).slice().buffer).getUint32(0, true) / 8
  const block = word(vector + slotSize * id + field('dtv_t_pointer_val').offset)
  if (block === 0 || block > 2 ** 63) throw cannot(module, 'this thread has not used it yet')
  return block
}

/** The dynamic linker's record of a module: `DT_DEBUG` of the program leads to the list of all. */
function linkMapOf(symbolizer: Symbolizer, module: LoadedModule, thread: ThreadState): number {
  const word = (address: number): number => Number(bitsOf(readAll(thread, address, 8)))
  for (const program of symbolizer.loaded) {
    const elf = symbolizer.objectFile(program).file
    if (elf === undefined || !isProgram(symbolizer, program)) continue
    const segment = elf.segment(2)
    if (segment === undefined) continue
    for (let at = segment.vaddr + program.bias; at < segment.vaddr + program.bias + segment.memsz; at += 16) {
      if (word(at) !== DT_DEBUG) continue
      const head = word(at + 8)
      if (head === 0) break
      for (let map = word(head + 8); map !== 0; map = word(map + 24)) if (word(map) === module.bias) return map
    }
  }
  throw cannot(module, 'the dynamic linker does not list it')
}
