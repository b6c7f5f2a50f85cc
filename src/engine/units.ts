/** Exists to keep the bytecode of cold code: most code is executed a few times only, and for that a module of its own costs far more than interpreting it. */
import { EXIT } from '../ir/exits.ts'
import { insertDefinedness } from '../ir/passes/definedness/insert.ts'
import type { Block } from '../ir/types.ts'
import { BytecodeWriter } from '../wasm/bytecode-write.ts'
import type { AddressSpace } from './address-space.ts'
import {
  BYTECODE_BASE,
  BYTECODE_END,
  CHECKED_BYTECODE_BASE,
  CHECKED_BYTECODE_END,
  FRAME_BASE,
  FRAME_END,
  GUEST_LIMIT,
  GUEST_MIN,
  STATE_BASE,
  UNIT_SLOTS,
} from './layout.ts'
import { codeReader, liftAt } from './region.ts'
import { addressOf, VARIANT } from './variant.ts'

/** The block at an address as bytecode. It is good wherever memory holds `source` from there on, executable, and intercepts are the same. */
export interface Unit extends Bytecode {
  readonly slot: number
  /** The place that it is entered at. */
  readonly place: number
  /** Its code is at [pc, end). */
  readonly pc: number
  readonly end: number
  /** Which are there, in a larger piece. */
  readonly sources: Uint8Array
  readonly sourceAt: number
  readonly sourceLength: number
  readonly intercepts: number[]
  /** As in Translation. */
  readonly quiet: boolean
}

/** Code for the interpreter. */
export interface Bytecode {
  /** It is `length` bytes in a larger piece. */
  readonly bytecodes: Uint8Array
  readonly bytecodeAt: number
  readonly length: number
  /** Whether the larger piece is a store's (stored-units.ts). */
  readonly stored: boolean
  /** Where it goes in the memory of every address space that uses it. */
  readonly address: number
}

/** Instructions in one unit. */
const UNIT_INSTRUCTIONS = 64

const writer = new BytecodeWriter({
  stateBase: STATE_BASE,
  frameBase: FRAME_BASE,
  frameEnd: FRAME_END,
  guestMin: GUEST_MIN,
  guestLimit: GUEST_LIMIT,
})

/** Hands out room for bytecode: the same in every address space, so that bytecode can hold addresses. */
export class BytecodeRoom {
  private next: number
  private readonly start: number
  private readonly end: number
  /** Something did not fit. */
  full = false
  /** How often everything was thrown away: bytecode of an earlier generation may be overwritten. */
  generation = 0

  /** For variants that are checked or not; `bytes`: less than there are. */
  constructor(checked: boolean, bytes = Infinity) {
    const [start, end] = checked ? [CHECKED_BYTECODE_BASE, CHECKED_BYTECODE_END] : [BYTECODE_BASE, BYTECODE_END]
    this.start = this.next = start
    this.end = Math.min(end, start + bytes)
  }

  /** Bytes that stored bytecode may take: a third of the room stays free. */
  get spare(): number {
    return Math.max(0, Math.floor((2 * (this.end - this.start)) / 3) - (this.next - this.start))
  }

  /** Address of so many bytes, or -1 when the room is used up. */
  take(bytes: number): number {
    const at = this.next
    if (at + bytes > this.end) {
      this.full = true
      return -1
    }
    this.next = at + Math.ceil(bytes / 8) * 8
    return at
  }

  empty(): void {
    this.next = this.start
    this.full = false
    this.generation++
  }
}

/** The unit at a place (variant.ts) for what memory holds now; null when the code there is to be translated. It takes the place of `given`, a unit of the same slot, if it fits. */
export function makeUnit(
  space: AddressSpace,
  place: number,
  slotFor: (pc: number) => number,
  variant: number,
  room: BytecodeRoom,
  given: Unit | null,
  quiet: boolean,
): Unit | null {
  const pc = addressOf(place)
  const slot = slotFor(place)
  if (slot >= UNIT_SLOTS) return null
  const blocks = blockAt(space, pc, variant)
  // What cannot be fetched now may be there the next time.
  const { term, insns } = blocks[0]!
  if (term.kind === 'fault' && term.reason === EXIT.fetchFault && insns.length <= 1) return null
  const checked = (variant & VARIANT.checked) !== 0
  if (checked) blocks.forEach(insertDefinedness)
  const bytecode = writer.write(blocks, (to) => slotFor(to) << 8, checked, slot << 8)
  if (bytecode === null) return null
  const reused = given !== null && !given.stored && given.length >= bytecode.length
  const address = reused ? given.address : room.take(bytecode.length)
  if (address < 0) return null
  const end = endOf(blocks)
  return {
    slot,
    place,
    pc,
    end,
    sources: space.bytes.slice(pc, end),
    sourceAt: 0,
    sourceLength: end - pc,
    intercepts: space.interceptedIn([[pc, end]]),
    quiet,
    ...alone(bytecode, address),
  }
}

/** The block at `pc`, which ends before addresses at which the kernel is asked, and what belongs to it. */
function blockAt(space: AddressSpace, pc: number, variant: number): Block[] {
  const blocks = liftAt(space, codeReader(space), pc, UNIT_INSTRUCTIONS, variant)
  const [first] = blocks
  const code = first!.term.kind === 'intercept' ? first!.term.native : first!
  const meets = code.insns.findIndex((insn, i) => i > 0 && space.intercepts.has(insn.pc))
  return meets > 0 ? liftAt(space, codeReader(space), pc, meets, variant) : blocks
}

/** Straight blocks (translate.ts) as bytecode, and its address; null when they cannot be. */
export function straightUnit(
  blocks: readonly Block[],
  slot: number,
  variant: number,
  room: BytecodeRoom,
): Bytecode | null {
  const bytecode = slot < UNIT_SLOTS ? writer.write(blocks, null, (variant & VARIANT.checked) !== 0, -1) : null
  const address = bytecode === null ? -1 : room.take(bytecode.length)
  return address < 0 ? null : alone(bytecode!, address)
}

/** Bytecode that is in no larger piece. */
function alone(bytecode: Uint8Array, address: number): Bytecode {
  return { bytecodes: bytecode, bytecodeAt: 0, length: bytecode.length, stored: false, address }
}

function endOf(blocks: readonly Block[]): number {
  let end = 0
  for (const { insns } of blocks) {
    const last = insns.at(-1)
    if (last !== undefined) end = Math.max(end, last.pc + Math.max(1, last.length))
  }
  return end
}
