/** Exists to fix who the machine says it is: what uname answers, the same on every host (the processor says who it is in engine/helpers/cpuid.ts). */
export const MACHINE = {
  sysname: 'Linux',
  nodename: 'lemming',
  release: '6.1.0',
  version: '#1 SMP PREEMPT_DYNAMIC',
  machine: 'x86_64',
  domainname: '(none)',
} as const
