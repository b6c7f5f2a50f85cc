/** Exists as `lemming cache`: what is kept on disk to start programs faster, and how to be rid of it. */
import { Command } from 'commander'
import { write } from './output.ts'
import type { Invocation } from './program.ts'

interface CacheOptions {
  clear?: boolean
  json?: boolean
}

export function cacheCommand({ end }: Invocation): Command {
  return new Command('cache')
    .description('Show the translations that are kept for the next run of a program, or remove them.')
    .argument('[program]', 'only those of this program')
    .option('--clear', 'remove them')
    .option('--json', 'print one JSON document to standard output')
    .action(async (program: string | undefined, { clear, json }: CacheOptions) => {
      const translations = await import('../lab/translations.ts')
      const { clearTranslations, listTranslations, MAX_BYTES, MAX_FILES, translationsDirectory } = translations
      if (clear === true) {
        const removed = clearTranslations(program ?? null)
        if (json === true) write(1, `${JSON.stringify({ directory: translationsDirectory(), removed })}\n`)
        else write(1, `${removed === 1 ? '1 entry' : `${removed} entries`} removed\n`)
        return end(0)
      }
      const name = program?.slice(program.lastIndexOf('/') + 1)
      const entries = listTranslations().filter((entry) => name === undefined || entry.program === name)
      const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0)
      if (json === true) {
        const limits = { entries: MAX_FILES, bytes: MAX_BYTES }
        write(1, `${JSON.stringify({ directory: translationsDirectory(), limits, bytes, entries })}\n`)
      } else {
        for (const entry of entries)
          write(
            1,
            `${sizeText(entry.bytes)}  ${new Date(entry.used).toISOString().slice(0, 19).replace('T', ' ')}  ${entry.program}\n`,
          )
        const many = entries.length === 1 ? '1 entry' : `${entries.length} entries`
        write(
          1,
          `${many}, ${sizeText(bytes).trim()}, in ${translationsDirectory()} (at most ${MAX_FILES}, ${sizeText(MAX_BYTES).trim()})\n`,
        )
      }
      end(0)
    })
}

/** `  12.3 MiB`, ten columns wide. */
function sizeText(bytes: number): string {
  const [value, unit] = bytes < 1 << 20 ? [bytes / 1024, 'KiB'] : [bytes / 2 ** 20, 'MiB']
  return `${value.toFixed(1)} ${unit}`.padStart(10)
}
