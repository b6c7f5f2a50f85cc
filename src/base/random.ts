/** Exists because every free choice of a run is drawn from its seed: the one source of randomness below the front ends. */

/** State of a generator: four unsigned 32-bit words. Plain data, so that a machine that owns one can be cloned and saved. */
export type RandomState = [number, number, number, number]

function splitmix32(x: number): number {
  let z = (x + 0x9e3779b9) | 0
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
  return (z ^ (z >>> 16)) >>> 0
}

/**
 * A generator seeded by `seed` (any safe integer) and a stream name, so that the schedule, the address layout and
 * `getrandom` of one run draw from independent sequences and adding a draw to one does not disturb the others.
 */
export function randomFrom(seed: number, stream: string): RandomState {
  let h = splitmix32(seed >>> 0) ^ splitmix32(Math.floor(seed / 0x100000000) >>> 0)
  for (let i = 0; i < stream.length; i++) h = splitmix32((h ^ stream.charCodeAt(i)) >>> 0)
  const state: RandomState = [0, 0, 0, 0]
  for (let i = 0; i < 4; i++) {
    h = splitmix32((h + i) >>> 0)
    state[i] = h
  }
  if ((state[0] | state[1] | state[2] | state[3]) === 0) state[0] = 1
  return state
}

/** The next 32 random bits (unsigned); advances `s`. xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number generators"). */
export function nextU32(s: RandomState): number {
  const m = Math.imul(s[1], 5)
  const result = Math.imul((m << 7) | (m >>> 25), 9) >>> 0
  const t = s[1] << 9
  s[2] ^= s[0]
  s[3] ^= s[1]
  s[1] ^= s[2]
  s[0] ^= s[3]
  s[2] ^= t
  s[3] = (s[3] << 11) | (s[3] >>> 21)
  return result
}

/** A uniform integer in [0, n), 1 <= n <= 2^32, without modulo bias; advances `s`. */
export function nextBelow(s: RandomState, n: number): number {
  // The remainder of 2^32, in 32 bits.
  const limit = 0x100000000 - ((-n >>> 0) % n)
  for (;;) {
    const x = nextU32(s)
    if (x < limit) return x % n
  }
}

/** A uniform number in [0, 1) with 53 random bits; advances `s`. */
export function nextUnit(s: RandomState): number {
  const hi = nextU32(s) >>> 5
  const lo = nextU32(s) >>> 6
  return (hi * 0x4000000 + lo) / 0x20000000000000
}

/** Fills `out` with random bytes; advances `s`. */
export function fillRandom(s: RandomState, out: Uint8Array): void {
  for (let i = 0; i < out.length; i += 4) {
    const x = nextU32(s)
    for (let k = 0; k < 4 && i + k < out.length; k++) out[i + k] = x >>> (8 * k)
  }
}
