/** Exists to compile what every address space has an instance of, once: the runtime's functions, the stub, and the interpreters. */
import { interpreterModule } from '../wasm/bytecode-interpreter.ts'
import { runtimeModule } from '../wasm/runtime.ts'
import {
  ADDRESSABLE_BASE,
  ATTRIBUTE,
  ATTRIBUTES_BASE,
  CLEAN_BASE,
  FRAME_BASE,
  GUEST_LIMIT,
  JUMP_CACHE_BASE,
  JUMP_CACHE_ENTRIES,
  JUMPS_BASE,
  JUMPS_ENTRIES,
  LOG_BASE,
  MEMORY_WASM_PAGES,
  POINTS_BASE,
  REFUND_BASE,
  SHADOW_DISPLACEMENT,
  STATE_BASE,
  UNADDRESSABLE_BASE,
  UNIT_SLOTS,
  UNITS_BASE,
  ZONE_BASE,
  ZONE_LIST_BASE,
} from './layout.ts'
import { memoryLayout, stubModule } from './translate.ts'
import { VARIANT, variantOf } from './variant.ts'

/** Visits after which a unit becomes a region. */
export const UNIT_VISITS = 2500

let modules: Record<'runtime' | 'stub', WebAssembly.Module> | null = null
/** By table of units. */
const interpreters: WebAssembly.Module[] = []

/** The modules that every address space has an instance of. */
export function sharedModules(): Record<'runtime' | 'stub', WebAssembly.Module> {
  modules ??= {
    runtime: new WebAssembly.Module(
      runtimeModule({
        memoryPages: MEMORY_WASM_PAGES,
        stateBase: STATE_BASE,
        attributesBase: ATTRIBUTES_BASE,
        refundBase: REFUND_BASE,
        zoneBase: ZONE_BASE,
        zoneListBase: ZONE_LIST_BASE,
        addressable: {
          base: ADDRESSABLE_BASE,
          watched: ATTRIBUTE.watched,
          plain: ATTRIBUTE.watched | ATTRIBUTE.noRead | ATTRIBUTE.noWrite,
        },
        pointsBase: POINTS_BASE,
        logBase: LOG_BASE,
        shadow: {
          displacement: SHADOW_DISPLACEMENT,
          guestLimit: GUEST_LIMIT,
          attributesBase: ATTRIBUTES_BASE,
          unaddressableBase: UNADDRESSABLE_BASE,
          cleanBase: CLEAN_BASE,
        },
        jumps: {
          base: JUMP_CACHE_BASE,
          entries: JUMP_CACHE_ENTRIES,
          largeBase: JUMPS_BASE,
          largeEntries: JUMPS_ENTRIES,
        },
      }),
    ),
    stub: new WebAssembly.Module(stubModule()),
  }
  return modules
}

/** Where the table of units with this number begins. */
export const unitsBase = (table: number): number => UNITS_BASE + table * UNIT_SLOTS * 4

/** The module that interprets the units of a table. */
export function interpreterOf(table: number): WebAssembly.Module {
  return (interpreters[table] ??= new WebAssembly.Module(
    interpreterModule(MEMORY_WASM_PAGES, {
      ...memoryLayout,
      unitsBase: unitsBase(table),
      unitSlots: UNIT_SLOTS,
      frameBase: FRAME_BASE,
      checked: (variantOf(table) & VARIANT.checked) !== 0,
      visits: UNIT_VISITS,
    }),
  ))
}
