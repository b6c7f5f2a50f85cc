/** Exists to tell what looks like a return address where no stack is unwound: what lies behind a call. */

/** Bytes of the longest instruction of a call, without prefixes. */
export const LONGEST_CALL = 7

/** Do these bytes, LONGEST_CALL of them, end in a call: E8 with an offset, or FF /2 with any operand? */
export function endsInCall(code: Uint8Array): boolean {
  if (code[LONGEST_CALL - 5] === 0xe8) return true
  return [2, 3, 6, 7].some(
    (length) => code[LONGEST_CALL - length] === 0xff && (code[LONGEST_CALL - length + 1]! & 0x38) === 0x10,
  )
}
