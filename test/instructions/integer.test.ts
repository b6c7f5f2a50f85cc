/** Executes every integer row in every operand shape on the processor and on the engine, and compares all that each leaves behind. */
import { integer } from '../../src/x86/table/integer.ts'
import { testRows } from './rows.ts'

testRows('integer rows against the processor', integer)
