/** Exists to answer an editor's questions about instructions and bytes. */
import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Instruction, Remote } from '../session/protocol.ts'

/** The longest instruction, in bytes. */
const LONGEST = 15

/** The number in a memory reference. */
export function addressOf(reference: string, offset = 0): number {
  return Number(reference) + offset
}

export function reference(address: number): string {
  return `0x${address.toString(16)}`
}

/** `readMemory`: as much as can be read, and how much cannot. */
export async function readMemory(
  remote: Remote,
  pid: number,
  { memoryReference, offset = 0, count }: DebugProtocol.ReadMemoryArguments,
): Promise<DebugProtocol.ReadMemoryResponse['body']> {
  const address = addressOf(memoryReference, offset)
  const bytes = count === 0 ? new Uint8Array(0) : await remote.memory(pid, address, count)
  const unreadableBytes = count - bytes.length
  return {
    address: reference(address),
    data: Buffer.from(bytes).toString('base64'),
    ...(unreadableBytes > 0 && { unreadableBytes }),
  }
}

/** `disassemble`: exactly as many instructions as were asked for, from so many before or behind the address on. */
export async function disassemble(
  remote: Remote,
  pid: number,
  { memoryReference, offset = 0, instructionOffset = 0, instructionCount }: DebugProtocol.DisassembleArguments,
): Promise<DebugProtocol.DisassembledInstruction[]> {
  const address = addressOf(memoryReference, offset)
  const before = instructionOffset < 0 ? await instructionsBefore(remote, pid, address, -instructionOffset) : []
  const behind = Math.max(0, instructionCount + Math.min(0, instructionOffset)) + Math.max(0, instructionOffset)
  const from = behind === 0 ? [] : await remote.instructions(pid, address, behind)
  const known = [...before, ...from]
  const first = Math.max(0, instructionOffset)
  const out: DebugProtocol.DisassembledInstruction[] = []
  const missing = instructionOffset < 0 ? -instructionOffset - before.length : 0
  for (let i = 0; i < missing; i++) out.push(invalid((known[0]?.address ?? address) - missing + i))
  for (const one of known.slice(first)) out.push(await shown(remote, pid, one))
  const last = known.at(-1)
  for (let at = last === undefined ? address : last.address + last.length; out.length < instructionCount; at++)
    out.push(invalid(at))
  return out.slice(0, instructionCount)
}

/** Up to `count` instructions that end where one begins at `address`: decoded from the start of the function, or from where it fits. */
async function instructionsBefore(remote: Remote, pid: number, address: number, count: number): Promise<Instruction[]> {
  const symbol = await remote.symbolic(pid, address)
  const inside = Number(/\+(\d+)$/.exec(symbol ?? '')?.[1] ?? 0)
  const starts = inside > 0 ? [address - inside] : []
  for (let back = count * LONGEST; back > 0; back--) starts.push(address - back)
  for (const start of starts) {
    if (start < 0) continue
    const found = await remote.instructions(pid, start, address - start)
    const end = found.findIndex((one) => one.address >= address)
    const whole = found.slice(0, end < 0 ? found.length : end)
    const last = whole.at(-1)
    if (last !== undefined && last.address + last.length === address && whole.every(({ text }) => text !== '(bad)'))
      return whole.slice(-count)
  }
  return []
}

async function shown(
  remote: Remote,
  pid: number,
  { address, length, text, symbol, file, line }: Instruction,
): Promise<DebugProtocol.DisassembledInstruction> {
  const bytes = await remote.memory(pid, address, length)
  return {
    address: reference(address),
    instructionBytes: [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' '),
    instruction: text,
    ...(symbol !== null && { symbol }),
    ...(file !== undefined && { location: { name: file.slice(file.lastIndexOf('/') + 1), path: file }, line: line! }),
  }
}

function invalid(address: number): DebugProtocol.DisassembledInstruction {
  return { address: reference(Math.max(0, address)), instruction: '(nothing is there)', presentationHint: 'invalid' }
}
