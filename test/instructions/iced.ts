/** Exists to ask another decoder, iced-x86, about the same bytes. */
import { createRequire } from 'node:module'
import type * as Iced from 'iced-x86'

// The package is CommonJS around a wasm file.
const iced = createRequire(import.meta.url)('iced-x86') as typeof Iced

/** What iced says about an instruction: null when it is invalid. */
export interface Opinion {
  length: number
  mnemonic: string
}

const mnemonics = new Map<number, string>(
  Object.entries(iced.Mnemonic).flatMap(([name, value]) =>
    typeof value === 'number' ? [[value, name.toUpperCase()]] : [],
  ),
)

/** Decodes 64-bit code; positions are indices into `bytes`. */
export class IcedDecoder {
  private readonly decoder: Iced.Decoder
  private readonly formatter: Iced.Formatter

  constructor(bytes: Uint8Array, pc: bigint) {
    this.decoder = new iced.Decoder(64, bytes, iced.DecoderOptions.None)
    this.decoder.ip = pc
    const f = new iced.Formatter(iced.FormatterSyntax.Intel)
    f.spaceAfterOperandSeparator = true
    f.hexPrefix = '0x'
    f.hexSuffix = ''
    f.uppercaseHex = false
    f.memorySizeOptions = iced.MemorySizeOptions.Always
    f.ripRelativeAddresses = false
    f.branchLeadingZeros = false
    f.showBranchSize = false
    f.leadingZeros = false
    f.addLeadingZeroToHexNumbers = false
    f.preferSt0 = true
    f.usePseudoOps = false
    this.formatter = f
  }

  at(position: number): Opinion | null {
    this.decoder.position = position
    const insn = this.decoder.decode()
    const valid = insn.code !== iced.Code.INVALID
    const opinion = valid ? { length: insn.length, mnemonic: mnemonics.get(insn.mnemonic)! } : null
    insn.free()
    return opinion
  }

  /** Names of the CPUID features that the instruction at a position needs. */
  features(position: number): string[] {
    this.decoder.position = position
    const insn = this.decoder.decode()
    const names = Array.from(insn.cpuidFeatures(), (value) => iced.CpuidFeature[value]!)
    insn.free()
    return names
  }

  /** The text of the instruction at the start of the bytes, in our disassembler's conventions. */
  text(): string {
    this.decoder.position = 0
    const insn = this.decoder.decode()
    const text = this.formatter.format(insn)
    insn.free()
    return text
  }

  free(): void {
    this.decoder.free()
    this.formatter.free()
  }
}

/** Names under which iced and the manual list the same instruction, or one that this processor executes as the other. */
const ALIASES: Record<string, string[]> = {
  CALLF: ['CALL'],
  JMPF: ['JMP'],
  JRCXZ: ['JECXZ'],
  FWAIT: ['WAIT'],
  SHL: ['SAL'],
  PCMPESTRI: ['PCMPESTRI64'],
  PCMPESTRM: ['PCMPESTRM64'],
  // 90 without REX.B.
  XCHG: ['NOP'],
  // Hints of newer processors in the space reserved for NOP.
  NOP: ['RESERVEDNOP', 'CLDEMOTE', 'PREFETCHIT0', 'PREFETCHIT1', 'RDSSPD', 'RDSSPQ'],
  // CMPxx with a predicate has names of its own in iced's formatter only.
}

/** Do both names mean the same? */
export function sameMnemonic(ours: string, theirs: string): boolean {
  return ours === theirs || (ALIASES[ours]?.includes(theirs) ?? false)
}
