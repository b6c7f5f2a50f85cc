/** Exists to say what to do instead of those commands of gdb that mean nothing in a run that has happened. */

/** Commands, why not, and what instead. */
const ADVICE: readonly [string, string, string][] = [
  ['kill detach disconnect', 'there is no process to let go of', 'quit ends the conversation'],
  ['jump signal queue-signal return', 'what has happened cannot be changed', 'lemming branch runs a changed clone on'],
  [
    'signals',
    'signals were delivered as they were',
    'catch signal stops at them, lemming replay --strace lists them; the end of the run is a stop of its own',
  ],
  [
    'skip',
    'steps go into every function that has lines',
    'next goes over calls, finish leaves one, advance PLACE goes to where something begins',
  ],
  ['tui layout focus refresh winheight', 'there are no windows', 'lemming replay --dap shows the run in an editor'],
  ['pipe |', 'there are no pipes', "lemming replay F --ex 'bt' writes to standard output"],
  ['inferior add-inferior remove-inferiors', 'processes are chosen by their threads', 'info threads, then thread N'],
  ['os win w', 'that is outside of the run', 'info proc, info mappings and info threads tell of what is in it'],
  [
    'record checkpoint checkpoints restart',
    'all of the run is recorded',
    'moment says where this is, seek @N goes to a moment',
  ],
  [
    'target attach file exec-file symbol-file core-file add-symbol-file sharedlibrary',
    'the run has brought its files',
    'declare gives types to memory without debugging information',
  ],
  [
    'directory',
    'sources are those of the recording',
    'they are kept there when they can be read while the run is recorded',
  ],
  [
    'python python-interactive py guile macro macros',
    'there is no Python, and macros are not known',
    'define, if, while and source are there; lemming replay F -x FILE does a file of commands',
  ],
  ['shell ! make pwd cd tty edit', 'nothing is executed here', 'use another terminal'],
  ['dump generate-core-file gcore', 'nothing is written here', 'lemming core F@MOMENT writes a core file'],
  ['show', 'there are no settings', 'moment tells where this is, info what there is'],
  ['stop tstart trace actions collect compile load reverse', 'that is not there', 'help lists the commands'],
]

/** Why a command is not there, and what to use instead; null for what nobody would expect. */
export function adviceFor(word: string): [string, string] | null {
  const found = ADVICE.find(([names]) => names.split(' ').includes(word))
  return found === undefined ? null : [found[1], found[2]]
}
