/** Exists so that who writes down what a machine is made with need not load the machine. */

/** When machines start, if nothing else is said: the beginning of 2025 (UTC), in seconds since 1970. */
export const EPOCH = 1_735_689_600
/** Bytes of memory that programs are shown, if nothing else is said. */
export const MEMORY = 4 * 2 ** 30
