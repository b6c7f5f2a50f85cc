/**
 * A program of two threads assembled here, in a world that holds nothing else: its runs are the same on every computer. It makes NaNs 300,000
 * times, computes with x87, and then both threads increment one counter without a lock and another one with it.
 */
import type { HostStat, World } from '../../src/host/host.ts'
import { createMachine } from '../../src/linux/machine.ts'
import { newEngine, type TestMachine } from '../machine/machines.ts'

const BASE = 0x400000
const HEADERS = 64 + 56

/** Bytes in hexadecimal, a label `name:`, or a jump `opcode >name` with an 8-bit displacement; what follows `;` is for people. */
const source = `
  31 db                               ; xor ebx, ebx            the NaNs' digest
  b9 e0 93 04 00                      ; mov ecx, 300000
  48 b8 00 00 00 00 00 00 f0 7f       ; mov rax, +inf
  66 48 0f 6e c8                      ; movq xmm1, rax
  48 b8 23 01 00 00 00 00 f4 7f       ; mov rax, a signalling NaN
  66 48 0f 6e d0                      ; movq xmm2, rax
nans:
  f2 0f 2a c1                         ; cvtsi2sd xmm0, ecx
  66 0f 28 d9                         ; movapd xmm3, xmm1
  f2 0f 5c d9                         ; subsd xmm3, xmm1        inf - inf
  66 48 0f 7e d8                      ; movq rax, xmm3
  48 c1 c3 05                         ; rol rbx, 5
  48 31 c3                            ; xor rbx, rax
  f2 0f 51 e0                         ; sqrtsd xmm4, xmm0
  66 48 0f 7e e0                      ; movq rax, xmm4
  48 01 c3                            ; add rbx, rax
  f2 0f 58 c2                         ; addsd xmm0, xmm2        number + NaN
  66 48 0f 7e c0                      ; movq rax, xmm0
  48 01 c3                            ; add rbx, rax
  f2 0f 59 da                         ; mulsd xmm3, xmm2        NaN * NaN
  66 48 0f 7e d8                      ; movq rax, xmm3
  48 31 c3                            ; xor rbx, rax
  ff c9                               ; dec ecx
  75 >nans                            ; jnz
  48 89 1c 25 00 20 40 00             ; mov [digest], rbx
  d9 eb  d9 fa                        ; fldpi; fsqrt
  db 3c 25 20 20 40 00                ; fstp tbyte [root]
  c7 04 25 10 20 40 00 01 00 00 00    ; mov dword [alive], 1
  bf 00 0f 25 00                      ; mov edi, CLONE_VM|FS|FILES|SIGHAND|THREAD|SYSVSEM|CHILD_CLEARTID
  be 00 80 40 00                      ; mov esi, stack
  31 d2                               ; xor edx, edx
  41 ba 10 20 40 00                   ; mov r10d, alive
  45 31 c0                            ; xor r8d, r8d
  b8 38 00 00 00  0f 05               ; clone
  41 89 c4                            ; mov r12d, eax           0 in the new thread
  bd 60 ea 00 00                      ; mov ebp, 60000
race:
  8b 04 25 18 20 40 00                ; mov eax, [racy]
  ff c0                               ; inc eax
  89 04 25 18 20 40 00                ; mov [racy], eax
  f0 ff 04 25 1c 20 40 00             ; lock inc dword [locked]
  ff cd                               ; dec ebp
  75 >race                            ; jnz
  45 85 e4                            ; test r12d, r12d
  75 >wait                            ; jnz
  31 ff  b8 3c 00 00 00  0f 05        ; exit(0)
wait:
  8b 14 25 10 20 40 00                ; mov edx, [alive]
  85 d2                               ; test edx, edx
  74 >done                            ; jz
  bf 10 20 40 00  31 f6  45 31 d2     ; mov edi, alive; xor esi, esi; xor r10d, r10d
  b8 ca 00 00 00  0f 05               ; futex(alive, FUTEX_WAIT, edx, NULL)
  eb >wait                            ; jmp
done:
  bf 01 00 00 00  be 00 20 40 00  ba 2a 00 00 00
  b8 01 00 00 00  0f 05               ; write(1, digest, 42)
  8b 3c 25 18 20 40 00  83 e7 3f      ; mov edi, [racy]; and edi, 63
  b8 e7 00 00 00  0f 05               ; exit_group
`

function assemble(): Uint8Array {
  const labels = new Map<string, number>()
  const jumps: { at: number; to: string }[] = []
  const bytes: number[] = []
  for (const word of source.replaceAll(/;.*/g, '').trim().split(/\s+/)) {
    if (word.endsWith(':')) labels.set(word.slice(0, -1), bytes.length)
    else if (word.startsWith('>')) jumps.push({ at: bytes.push(0) - 1, to: word.slice(1) })
    else bytes.push(Number.parseInt(word, 16))
  }
  for (const { at, to } of jumps) bytes[at] = (labels.get(to)! - at - 1) & 0xff
  return Uint8Array.from(bytes)
}

/** The program as an ELF file: one segment at BASE for everything, 64 KiB long. */
export function tinyElf(): Uint8Array {
  const code = assemble()
  const file = new Uint8Array(HEADERS + code.length)
  const view = new DataView(file.buffer)
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  view.setUint16(16, 2, true)
  view.setUint16(18, 62, true)
  view.setUint32(20, 1, true)
  view.setBigUint64(24, BigInt(BASE + HEADERS), true)
  view.setBigUint64(32, 64n, true)
  view.setUint16(52, 64, true)
  view.setUint16(54, 56, true)
  view.setUint16(56, 1, true)
  view.setUint32(64, 1, true)
  view.setUint32(68, 7, true)
  for (const [at, value] of [
    [80, BASE],
    [88, BASE],
    [96, file.length],
    [104, 0x10000],
    [112, 0x1000],
  ] as const)
    view.setBigUint64(at, BigInt(value), true)
  file.set(code, HEADERS)
  return file
}

/** A machine for it; `stdout` gets bytes as Latin-1. */
export function startTiny(seed: number): TestMachine {
  const elf = tinyElf()
  const output = { stdout: '', stderr: '' }
  const stat = (kind: HostStat['kind'], size: number): HostStat => ({
    kind,
    mode: 0o755,
    uid: 0,
    gid: 0,
    size,
    mtime: '0',
    ino: size + 2,
    nlink: 1,
    rdev: 0,
  })
  const world: World = {
    lstat: (path) => (path === '/' ? stat('dir', 0) : path === '/tiny' ? stat('file', elf.length) : 'ENOENT'),
    readlink: () => 'EINVAL',
    list: () => 'ENOTDIR',
    content: (path) => (path === '/tiny' ? elf : 'ENOENT'),
    readInput: () => new Uint8Array(0),
    writeOutput: (fd, bytes) => {
      output[fd === 1 ? 'stdout' : 'stderr'] += Buffer.from(bytes).toString('latin1')
    },
  }
  const machine = createMachine({
    path: '/tiny',
    argv: ['tiny'],
    env: [],
    cwd: '/',
    seed,
    world,
    processor: newEngine(),
  })
  return { machine, output, world }
}

/** What the program wrote, by name. */
export function tinyOutput(stdout: string): { digest: string; root: string; racy: number; locked: number } {
  const bytes = Buffer.from(stdout, 'latin1')
  return {
    digest: bytes.subarray(0, 8).toString('hex'),
    root: bytes.subarray(32, 42).toString('hex'),
    racy: bytes.readUInt32LE(24),
    locked: bytes.readUInt32LE(28),
  }
}
