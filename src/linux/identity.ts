/** Exists to fix who the machine says it is: uname, /proc and cpuid answer from here, the same on every host. */
export const MACHINE = {
  sysname: 'Linux',
  nodename: 'lemming',
  release: '6.1.0',
  version: '#1 SMP PREEMPT_DYNAMIC',
  machine: 'x86_64',
  domainname: '(none)',
  cpuVendor: 'GenuineIntel',
  cpuFamily: 6,
  cpuModel: 44,
  cpuStepping: 2,
  cpuName: 'lemming virtual CPU',
  /** Features as /proc/cpuinfo names them; what cpuid announces. */
  cpuFlags:
    'fpu tsc cx8 cmov mmx fxsr sse sse2 syscall nx rdtscp lm constant_tsc nopl cpuid cx16 movbe popcnt lahf_lm abm',
} as const
