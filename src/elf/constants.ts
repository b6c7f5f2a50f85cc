/** Exists to give the numbers of the ELF format their names (System V ABI, gABI chapters 4 and 5; psABI x86-64). */

/** Program header types. */
export const PT = {
  LOAD: 1,
  DYNAMIC: 2,
  INTERP: 3,
  NOTE: 4,
  PHDR: 6,
  TLS: 7,
  GNU_EH_FRAME: 0x6474e550,
  GNU_STACK: 0x6474e551,
  GNU_RELRO: 0x6474e552,
} as const

/** Program header flags. */
export const PF = { X: 1, W: 2, R: 4 } as const

/** Section types. */
export const SHT = { SYMTAB: 2, NOTE: 7, NOBITS: 8, DYNSYM: 11 } as const

/** Section flags. */
export const SHF = { ALLOC: 2, EXECINSTR: 4, TLS: 0x400, COMPRESSED: 0x800 } as const

/** Special section indexes of a symbol. */
export const SHN = { UNDEF: 0, ABS: 0xfff1, COMMON: 0xfff2, XINDEX: 0xffff } as const

/** Symbol types. */
export const STT = { NOTYPE: 0, OBJECT: 1, FUNC: 2, SECTION: 3, FILE: 4, COMMON: 5, TLS: 6, GNU_IFUNC: 10 } as const

/** Symbol bindings. */
export const STB = { LOCAL: 0, GLOBAL: 1, WEAK: 2, GNU_UNIQUE: 10 } as const

/** Tags of the dynamic section that the tool reads. */
export const DT = {
  NULL: 0,
  NEEDED: 1,
  PLTRELSZ: 2,
  HASH: 4,
  STRTAB: 5,
  SYMTAB: 6,
  STRSZ: 10,
  SONAME: 14,
  RPATH: 15,
  JMPREL: 23,
  RUNPATH: 29,
  GNU_HASH: 0x6ffffef5,
} as const

/** Object file types. */
export const ET = { REL: 1, EXEC: 2, DYN: 3, CORE: 4 } as const

/** `e_machine` of x86-64. */
export const EM_X86_64 = 62

const machineNames: Record<number, string> = {
  0: 'no machine',
  2: 'SPARC',
  3: 'Intel 80386',
  4: 'Motorola 68000',
  8: 'MIPS',
  15: 'PA-RISC',
  18: 'SPARC v8+',
  20: 'PowerPC',
  21: 'PowerPC64',
  22: 'IBM S/390',
  40: 'ARM',
  42: 'SuperH',
  43: 'SPARC v9',
  50: 'Intel IA-64',
  62: 'AMD x86-64',
  83: 'Atmel AVR',
  94: 'Xtensa',
  164: 'Qualcomm Hexagon',
  183: 'AArch64',
  224: 'AMD GPU',
  243: 'RISC-V',
  247: 'Linux BPF',
  252: 'C-SKY',
  258: 'LoongArch',
}

/** The usual name of an `e_machine` number. */
export function machineName(machine: number): string {
  return machineNames[machine] ?? `machine number ${machine}`
}
