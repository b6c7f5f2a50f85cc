/**
 * Says which folder below src/ may import which, and why. Whatever is not listed here is refused by `npm run layers`.
 *
 * A key of `layers` is a folder; its value lists the folders (or single files) that it may import, each with the reason.
 * A new folder starts here. A new arrow needs a reason that a newcomer believes; if it makes a cycle, it is wrong.
 */

/** @type {Record<string, Record<string, string>>} */
export const layers = {
  base: {},

  host: {
    base: 'files and objects are bytes, and a refusal is a typed error',
  },

  elf: {
    base: 'a reader of bytes that names what is malformed',
  },

  ir: {
    base: 'assertions of the builder and the verifier',
  },

  x86: {
    base: 'byte readers and typed errors for what cannot be decoded',
    ir: 'lifting an instruction writes IR',
  },

  wasm: {
    base: 'byte writers',
    ir: 'lowering reads IR',
  },

  tool: {
    base: 'findings and views are made of its plain values',
    ir: 'an observer instruments a region by writing shadow ops',
  },

  engine: {
    base: 'bytes, assertions and typed errors',
    ir: 'the pipeline passes IR from the lifter to the lowering',
    x86: 'decodes and lifts',
    wasm: 'the last step emits wasm',
    tool: 'tells the observers what happens',
    'host/host.ts': 'compiles wasm through the interface, the same in a terminal and in a browser',
  },

  linux: {
    base: 'bytes, seeded random for every free choice, typed errors',
    ir: 'the layout of the register file: calls, signal frames and clone read and write it',
    engine: 'runs the tasks, and owns the address spaces that the memory calls change',
    tool: 'tells the observers of calls, tasks, mappings and signals',
    elf: 'loads the program and its interpreter',
    'host/host.ts': 'sees the files of the outside only through the interface',
  },

  symbols: {
    base: 'byte readers and typed errors',
    elf: 'symbols, DWARF and unwind tables live in ELF sections',
  },

  heap: {
    base: 'seeded reuse, bytes, typed errors',
    ir: 'the layout of the register file: arguments and results of the calls it replaces',
    tool: 'tells the observers of allocations and frees',
    engine: 'maps its memory, intercepts functions, and says which bytes are addressable',
    linux: 'takes its memory from the process that it serves',
    elf: 'where a recognised object is loaded',
    symbols: 'recognises allocators by name',
  },

  checks: {
    base: 'plain values and assertions',
    ir: 'writes the shadow ops of its instrumentation',
    tool: 'the contract is all that a check knows of a machine',
    symbols: 'names the places of a finding',
  },

  probes: {
    base: 'plain values and assertions',
    ir: 'asks for the instructions to be watched',
    tool: 'the contract is all that a probe knows of a machine',
    symbols: 'places are given by function, line and expression',
  },

  replay: {
    base: 'bytes, hashes, typed errors',
    ir: 'the layout of the register file, which a state hash covers',
    tool: 'observers ride along, and their state is part of a checkpoint',
    engine: 'memory and counters are part of a snapshot',
    linux: 'a recording is what is needed to execute its machine again',
    heap: 'the heap is an option of the machine and recorded with it',
    elf: 'a recording names the program by its contents and build-id',
    'host/host.ts': 'stores recordings and objects by hash',
  },

  session: {
    base: 'plain values and typed errors',
    ir: 'names of the registers that a front end asks for',
    tool: 'attaches observers and passes their findings on',
    replay: 'a session is one replayable run that can be asked questions',
    x86: 'shows instructions as text',
    symbols: 'answers in functions, lines and variables',
    'host/host.ts': 'is handed the outside, never finds it by itself',
  },

  explain: {
    base: 'plain values',
    tool: 'answers are built from events and findings',
    session: 'every explanation is a question to a session',
  },

  report: {
    base: 'plain values',
    tool: 'text, JSON, SARIF and XML are derived from findings as values, and from nothing else',
  },

  campaign: {
    base: 'seeds and typed errors',
    tool: 'a signature is computed from a finding',
    session: 'each run of a campaign is a session',
    'host/host.ts': 'keeps failures where the host says',
  },

  gdb: {
    base: 'bytes of the packets',
    session: 'an adapter: the questions of gdb become those of the protocol',
  },

  dap: {
    base: 'plain values',
    session: 'an adapter: the questions of an editor become those of the protocol',
  },

  mcp: {
    base: 'plain values',
    session: 'an adapter: the questions of an assistant become those of the protocol',
  },

  studio: {
    base: 'plain values',
    'session/protocol.ts': 'the page speaks to a session that may live in a worker or on another machine',
  },

  lab: {
    base: 'plain values and typed errors',
    elf: 'the doctor reads a binary before it is run',
    x86: 'the doctor looks for instructions that are not there',
    host: 'chooses the host',
    tool: 'hands observers to a session',
    linux: 'names the concrete strategies and options of the machine',
    heap: 'names the concrete heaps',
    symbols: 'gives the machine its symbols',
    checks: 'the only place that names concrete checks',
    probes: 'the only place that names concrete probes',
    replay: 'opens recordings',
    session: 'makes sessions',
    campaign: 'makes campaigns',
    explain: 'offers the explanations that suit a session',
    report: 'chooses the form of a report',
  },

  cli: {
    base: 'typed errors become one clear line',
    host: 'the terminal, and the host of this machine',
    tool: 'prints findings',
    lab: 'composes what a command asked for',
    session: 'talks to the run',
    campaign: 'starts and watches hunts',
    explain: 'one command per question',
    report: 'prints in the form asked for',
    gdb: 'serves gdb',
    dap: 'serves editors',
    mcp: 'serves assistants',
  },
}

/**
 * Packages from the registry that src/ may import, with the folders that may and why. (Tests, benches and scripts are
 * free to use what they need; nothing of theirs reaches a user.)
 *
 * @type {Record<string, { in: string[], why: string }>}
 */
export const packages = {
  commander: { in: ['cli'], why: 'parses the command line' },
  zod: {
    in: ['cli', 'lab', 'campaign', 'session'],
    why: 'checks what comes from outside: config, protocol, catalogue',
  },
  '@vscode/debugadapter': { in: ['dap'], why: "the framing of the editors' protocol" },
  '@vscode/debugprotocol': { in: ['dap'], why: 'its messages as types' },
  msgpackr: { in: ['replay', 'lab'], why: 'the encoding of recordings and of stored translations' },
}

/**
 * Who may import `node:*`: one file that is Node's side of the host interface, and the folders above session, which
 * never run in a browser. The pattern is matched against paths such as `src/cli/main.ts`.
 *
 * @type {Record<string, string>}
 */
export const nodeBuiltins = {
  'src/host/node.ts': 'the host interface over Node',
  'src/campaign/': 'worker processes and the catalogue',
  'src/lab/': 'composes for a terminal or a worker',
  'src/cli/': 'the terminal, signals, exit codes',
  'src/gdb/': 'a socket',
  'src/dap/': 'a socket',
  'src/mcp/': 'standard input and output',
}

/**
 * Folders whose code makes up a machine or looks at one. A run is a function of its inputs and a seed, so no ambient
 * clock, randomness, timer or console there (lint and test/house/tidy.test.ts).
 */
export const deterministic = [
  'base',
  'elf',
  'ir',
  'x86',
  'wasm',
  'tool',
  'engine',
  'linux',
  'heap',
  'symbols',
  'checks',
  'probes',
  'replay',
  'session',
  'explain',
  'report',
]
