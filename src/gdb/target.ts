/** Exists to describe the registers of an amd64-linux target to gdb (gdb manual, "i386 Features"), in the order in which Debuggee.registers gives them. */

const GENERAL = ['rax', 'rbx', 'rcx', 'rdx', 'rsi', 'rdi']

function reg(name: string, bits: number, type: string, group = ''): string {
  const where = group === '' ? '' : ` group="${group}"`
  return `<reg name="${name}" bitsize="${bits}" type="${type}"${where}/>`
}

const FLAGS = ['CF', '', 'PF', '', 'AF', '', 'ZF', 'SF', 'TF', 'IF', 'DF', 'OF', '', '', 'NT', '', 'RF', 'VM', 'AC']
const MXCSR = ['IE', 'DE', 'ZE', 'OE', 'UE', 'PE', 'DAZ', 'IM', 'DM', 'ZM', 'OM', 'UM', 'PM', '', '', 'FZ']

function flags(id: string, names: readonly string[]): string {
  const fields = names.map((name, i) => (name === '' ? '' : `<field name="${name}" start="${i}" end="${i}"/>`))
  return `<flags id="${id}" size="4">${fields.join('')}</flags>`
}

const VECTORS: readonly [string, string, number][] = [
  ['v4f', 'ieee_single', 4],
  ['v2d', 'ieee_double', 2],
  ['v16i8', 'int8', 16],
  ['v8i16', 'int16', 8],
  ['v4i32', 'int32', 4],
  ['v2i64', 'int64', 2],
]

const VECTOR_FIELDS: readonly [string, string][] = [
  ['v4_float', 'v4f'],
  ['v2_double', 'v2d'],
  ['v16_int8', 'v16i8'],
  ['v8_int16', 'v8i16'],
  ['v4_int32', 'v4i32'],
  ['v2_int64', 'v2i64'],
  ['uint128', 'uint128'],
]

const core = [
  flags('i386_eflags', FLAGS),
  ...GENERAL.map((name) => reg(name, 64, 'int64')),
  reg('rbp', 64, 'data_ptr'),
  reg('rsp', 64, 'data_ptr'),
  ...Array.from({ length: 8 }, (_, i) => reg(`r${i + 8}`, 64, 'int64')),
  reg('rip', 64, 'code_ptr'),
  reg('eflags', 32, 'i386_eflags'),
  ...['cs', 'ss', 'ds', 'es', 'fs', 'gs'].map((name) => reg(name, 32, 'int32')),
  ...Array.from({ length: 8 }, (_, i) => reg(`st${i}`, 80, 'i387_ext')),
  ...['fctrl', 'fstat', 'ftag', 'fiseg', 'fioff', 'foseg', 'fooff', 'fop'].map((name) => reg(name, 32, 'int', 'float')),
]

const sse = [
  ...VECTORS.map(([id, type, count]) => `<vector id="${id}" type="${type}" count="${count}"/>`),
  `<union id="vec128">${VECTOR_FIELDS.map(([name, type]) => `<field name="${name}" type="${type}"/>`).join('')}</union>`,
  flags('i386_mxcsr', MXCSR),
  ...Array.from({ length: 16 }, (_, i) => reg(`xmm${i}`, 128, 'vec128')),
  reg('mxcsr', 32, 'i386_mxcsr', 'vector'),
]

const FEATURES: readonly [string, readonly string[]][] = [
  ['core', core],
  ['sse', sse],
  ['linux', [reg('orig_rax', 64, 'int')]],
  ['segments', [reg('fs_base', 64, 'int'), reg('gs_base', 64, 'int')]],
]

/** target.xml. */
export const TARGET_XML = [
  '<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd">',
  '<target version="1.0"><architecture>i386:x86-64</architecture><osabi>GNU/Linux</osabi>',
  ...FEATURES.map(([name, rows]) => `<feature name="org.gnu.gdb.i386.${name}">${rows.join('')}</feature>`),
  '</target>',
].join('')
