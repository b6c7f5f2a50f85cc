/** Exists so that the kernel can say by name which instruction stopped a run, without knowing the instruction table. */
import { scanCode } from '../x86/scan.ts'

/** The instruction at the start of `bytes`, which are at `pc`: encoding or mnemonic, and the processor feature it belongs to. Null when it is none. */
export function nameUnsupported(bytes: Uint8Array, pc: number): { form: string; feature: string } | null {
  const found = scanCode(bytes, pc).unsupported.find(({ address }) => address === pc)
  return found === undefined ? null : { form: found.form, feature: found.feature }
}
