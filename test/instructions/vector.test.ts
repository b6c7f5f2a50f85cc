/** Executes every SSE and x87 row in every operand shape on the processor and on the engine, and compares all that each leaves behind. */
import { integer } from '../../src/x86/table/integer.ts'
import { allRows } from '../../src/x86/table/index.ts'
import { testRows } from './rows.ts'

/** Results differ between processors in the last bit, and so do C1 and PE: test/x87 bounds the error. */
const TRANSCENDENTAL = ['F2XM1', 'FYL2X', 'FYL2XP1', 'FPTAN', 'FPATAN', 'FSIN', 'FCOS', 'FSINCOS']

const own = new Set(integer)
testRows(
  'SSE and x87 rows against the processor',
  allRows.filter((row) => !own.has(row) && !TRANSCENDENTAL.includes(row.mnemonic)),
)
