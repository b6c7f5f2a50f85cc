/** Exists so that tests make machines for real programs in one line, and hold what these write. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Engine } from '../../src/engine/run.ts'
import { NodeFiles, nodeWorld } from '../../src/host/node.ts'
import type { World } from '../../src/host/host.ts'
import { createMachine, type Machine, type MachineOptions } from '../../src/linux/machine.ts'

/** A machine and what it has written so far. */
export interface TestMachine {
  machine: Machine
  output: { stdout: string; stderr: string }
  world: World
}

/** Other programs change the directories above ours: every question is answered once, so that equal runs see equal worlds. */
class SteadyFiles extends NodeFiles {
  private readonly stats = new Map<string, ReturnType<NodeFiles['lstat']>>()

  override lstat(path: string): ReturnType<NodeFiles['lstat']> {
    let known = this.stats.get(path)
    if (known === undefined) this.stats.set(path, (known = super.lstat(path)))
    return known
  }
}

const files = new SteadyFiles()

/** The engine with the call depth that the small stacks of test workers bear. */
export function newEngine(): Engine {
  return new Engine({ callDepth: 400 })
}

/** A world of this computer's files, without input, that keeps what is written. */
export function newWorld(): { world: World; output: TestMachine['output'] } {
  const output = { stdout: '', stderr: '' }
  const world = nodeWorld(files, {
    readInput: () => new Uint8Array(0),
    writeOutput: (fd, bytes) => {
      output[fd === 1 ? 'stdout' : 'stderr'] += Buffer.from(bytes).toString('latin1')
    },
  })
  return { world, output }
}

/** The program at `path`, loaded and not yet started. */
export function machineFor(
  path: string,
  args: readonly string[] = [],
  options: Partial<MachineOptions> = {},
): TestMachine {
  const { world, output } = newWorld()
  const machine = createMachine({
    path,
    argv: [path, ...args],
    env: ['PATH=/usr/bin:/bin'],
    cwd: '/tmp',
    seed: 1,
    world,
    processor: newEngine(),
    uid: process.getuid!(),
    gid: process.getgid!(),
    ...options,
  })
  return { machine, output, world }
}

/** A directory for compiled programs that is removed when the test process ends. */
export function scratch(): string {
  const dir = mkdtempSync(join(tmpdir(), 'lemming-machine-'))
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }))
  return dir
}
