/** Exists to hold a script's lines from the handlers against those of the real kernel and the real strace. */
import { mkdirSync, rmSync } from 'node:fs'
import { expect } from 'vitest'
import { inFreshDirectory, runHandlers, runNative, type Script } from './differential.ts'

/** Runs the script on both sides, each in the same fresh directory; `mask` hides what may differ. */
export function compare(script: Script, mask: (line: string) => string = (line) => line): void {
  inFreshDirectory((dir) => {
    const native = runNative(script, dir)
    rmSync(dir, { recursive: true, force: true })
    mkdirSync(dir)
    const ours = runHandlers(script, dir)
    expect(ours.lines.map(mask)).toEqual(native.lines.map(mask))
    expect(ours.undeclaredWrites).toEqual([])
    expect(ours.undeclaredReads).toEqual([])
  })
}

/** Flags of open(2). */
export const O = {
  wronly: 1,
  rdwr: 2,
  creat: 0o100,
  excl: 0o200,
  trunc: 0o1000,
  append: 0o2000,
  nonblock: 0o4000,
  directory: 0o200000,
  nofollow: 0o400000,
  cloexec: 0o2000000,
  path: 0o10000000,
}
/** AT_FDCWD. */
export const CWD = -100
