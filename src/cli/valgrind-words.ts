/** Exists for those who come with a command line of Valgrind's in their fingers: what each of its options is called here, or why there is no need for it. */

/** By option, without its value: the next step for those who gave it. */
const STEPS: Record<string, string> = {
  '--leak-check':
    'leaks are looked for unless --check says otherwise, and told one by one: --show-leak-kinds chooses which; --check memory is without',
  '--leak-resolution': 'blocks are told together when their stacks are the same; leave it out',
  '--leak-check-heuristics': 'all heuristics are in use; leave it out',
  '--show-reachable': 'say --show-leak-kinds all',
  '--show-possibly-lost': 'say --show-leak-kinds definite',
  '--num-callers': 'stacks are told whole; leave it out',
  '--track-origins': 'origins of undefined values are told always; leave it out',
  '--read-var-info': 'variables are named wherever debugging information is; leave it out',
  '--keep-debuginfo': 'libraries that were unloaded are known; leave it out',
  '--expensive-definedness-checks': 'every bit is followed exactly; leave it out',
  '--keep-stacktraces': 'stacks are found out afterwards, all of them; leave it out',
  '--partial-loads-ok': 'vectors that reach beyond a block are judged by what is made of them; leave it out',
  '--workaround-gcc296-bugs': 'no such programs run here; leave it out',
  '--show-mismatched-frees': 'suppress them: a suppression of kind Memcheck:Free in a file for --suppressions',
  '--show-realloc-size-zero': 'suppress them: a suppression of kind Memcheck:ReallocZero in a file for --suppressions',
  '--ignore-range-below-sp': 'suppress what is found there: --gen-suppressions prints what --suppressions takes',
  '--ignore-ranges':
    'let the program say VALGRIND_DISABLE_ADDR_ERROR_REPORTING_IN_RANGE, or suppress what is found there',
  '--freelist-vol': 'say --quarantine BYTES',
  '--freelist-big-blocks': 'freed blocks of all sizes stay in quarantine: --quarantine BYTES',
  '--redzone-size': 'blocks are kept apart far enough; leave it out',
  '--alignment': 'blocks are aligned as by the C library; leave it out',
  '--malloc-fill': 'what is in a new block depends on --seed; uses of it are found as they are',
  '--free-fill': 'freed blocks keep their bytes, and uses of them are found as they are',
  '--soname-synonyms': 'allocators in libraries and programs are found by their names; --alloc and --free name others',
  '--trace-children': 'child processes are always checked; leave it out',
  '--trace-children-skip': 'all child processes are checked; suppress what is found in some',
  '--child-silent-after-fork': 'what is found names its process; leave it out',
  '--vgdb': 'keep the run with --export FILE, then: lemming replay FILE --gdb PORT',
  '--vgdb-error': 'keep the run with --export FILE, then: lemming replay FILE --gdb PORT',
  '--db-attach': 'keep the run with --export FILE, then: lemming replay FILE',
  '--error-limit': 'errors are told up to 1000 places; leave it out',
  '--track-fds': 'say --strace to see open and close',
  '--time-stamp': 'each finding names its moment; leave it out',
  '--log-file': 'redirect standard error (2> FILE), or say --json or --xml FILE',
  '--log-fd': 'redirect standard error (2> FILE), or say --json or --xml FILE',
  '--xml-file': 'say --xml FILE',
  '--xml-fd': 'say --xml FILE',
  '--demangle': 'functions are told as in the source, and --json has their symbols, too; leave it out',
  '--default-suppressions': 'there are none for programs in C and C++; leave it out',
  '--max-stackframe': 'moving to another stack needs no hint; leave it out',
  '--main-stacksize': 'set the limit where lemming is started: ulimit -s',
  '--smc-check': 'changed code is always noticed; leave it out',
  '--fair-sched': 'the schedule comes from --strategy and --seed',
  '--run-libc-freeres': "the C library's own blocks are still reachable, and not told; leave it out",
  '--run-cxx-freeres': "the C++ library's own blocks are still reachable, and not told; leave it out",
  '--sim-hints': 'leave it out',
  '--kernel-variant': 'leave it out',
  '--quiet': 'a run with nothing wrong says nothing; leave it out',
  '-q': 'a run with nothing wrong says nothing; leave it out',
  '--xtree-leak': 'say --json: it has the leaks with their stacks',
  '--xtree-memory': 'see: lemming heap --help',
}

/** Valgrind's tools. */
const TOOLS: Record<string, string> = {
  memcheck: 'leave it out: memory and leaks are checked by default',
  helgrind: 'say --check race,lock',
  drd: 'say --check race,lock',
  massif: 'see: lemming heap --help',
  dhat: 'see: lemming heap --help',
  none: 'say --check none',
}

/** What somebody who gave this word should do instead; undefined for what is no option of Valgrind's. */
export function valgrindStep(word: string): string | undefined {
  const [name = '', value = ''] = word.split('=', 2)
  if (name === '--tool') return TOOLS[value] ?? 'lemming has --check memory,leak,race,lock'
  return STEPS[name]
}
