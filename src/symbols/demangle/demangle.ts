/** Exists as the one entry to all demanglers. */
export function demangle(name: string): string {
  return name
}
