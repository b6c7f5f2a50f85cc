/** Exists to read a command that is given as one word, as a shell reads it. */

/** What only a shell understands, outside of single quotes. */
const SPECIAL = /[|&;<>()$`*?[\]~#{}\n]/

/** The words of a command line: quotes and backslashes as in a POSIX shell. One that needs a shell for more than that is run by one. */
export function shellWords(line: string): string[] {
  const words: string[] = []
  let word: string | null = null
  for (let at = 0; at < line.length; at++) {
    const char = line[at]!
    if (char === "'" || char === '"') {
      const end = closing(line, at)
      if (end < 0) return ['/bin/sh', '-c', line]
      const inside = line.slice(at + 1, end)
      if (char === '"' && /[$`\\]/.test(inside)) return ['/bin/sh', '-c', line]
      word = (word ?? '') + inside
      at = end
    } else if (char === '\\') word = (word ?? '') + (line[++at] ?? '')
    else if (char === ' ' || char === '\t') {
      if (word !== null) words.push(word)
      word = null
    } else if (SPECIAL.test(char)) return ['/bin/sh', '-c', line]
    else word = (word ?? '') + char
  }
  return word === null ? words : [...words, word]
}

function closing(line: string, at: number): number {
  return line.indexOf(line[at]!, at + 1)
}
