/** Exists to tell when an allocation function is given undefined arguments: the machine answers it, and none of its instructions would. */
import { isUndefined } from '../engine/definedness.ts'
import { REG } from '../ir/registers.ts'
import type { Kernel } from '../linux/kernel.ts'
import type { Task } from '../linux/state.ts'
import type { HeapFunction } from './functions.ts'

/** Registers of the first arguments (System V ABI, 3.2.3). */
export const ARGUMENTS = [REG.rdi, REG.rsi, REG.rdx, REG.rcx] as const

/** How many arguments say what an allocation function does. */
const COUNTS: Partial<Record<HeapFunction['action'], number>> = {
  allocate: 1,
  zeroed: 2,
  resize: 2,
  free: 1,
  aligned: 2,
  alignedUp: 2,
  posixAligned: 3,
  pages: 1,
  usable: 1,
}

/** The task is at the entry of `f`, at `pc`: tells of each argument that has undefined bits. */
export function tellArguments(k: Kernel, t: Task, { action, name }: HeapFunction, pc: number): void {
  for (let i = 0; i < (COUNTS[action] ?? 0); i++)
    if (isUndefined(k.cpu.view, ARGUMENTS[i]!))
      k.tellUndefined(t, { pc, kind: 'argument', by: name, argument: i, address: 0, start: 0, length: 0 })
}
