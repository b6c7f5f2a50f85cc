/** Exists to show source lines, from files that the world may or may not have. */
import type { ReportWorld } from '../replay/recording-world.ts'
import type { Frame, SourceExcerpt } from '../tool/finding.ts'

/** Lines shown before and after the line in question. */
const CONTEXT = 3

/** OpenMP says on the line above that an access is atomic. */
const ATOMIC_DIRECTIVE = /^#\s*pragma\s+omp\s+atomic\b/

/** Source files by path, each read once. */
export class SourceFiles {
  private readonly world: ReportWorld
  private readonly files = new Map<string, string[] | null>()

  constructor(world: ReportWorld) {
    this.world = world
  }

  /** The text of a line (from 1) without its indentation, behind the directive that makes it atomic; undefined when the file or the line is not there. */
  line(file: string, line: number | undefined): string | undefined {
    const lines = line === undefined ? null : this.lines(file)
    const text = lines?.[line! - 1]?.trim()
    const above = lines?.[line! - 2]?.trim()
    return text !== undefined && above !== undefined && ATOMIC_DIRECTIVE.test(above) ? `${above} ${text}` : text
  }

  /** The lines around the innermost frame whose source there is. */
  excerpt(frames: readonly Frame[]): SourceExcerpt | undefined {
    for (const { file, line, module } of frames) {
      if (file === undefined || line === undefined) continue
      const lines = this.lines(file)
      if (lines === null || line < 1 || line > lines.length) continue
      const first = Math.max(1, line - CONTEXT)
      return { file, line, first, lines: lines.slice(first - 1, line + CONTEXT), newer: this.isNewer(file, module) }
    }
    return undefined
  }

  private isNewer(file: string, module: string | undefined): boolean {
    const source = this.world.changedAt(file)
    const built = module === undefined ? undefined : this.world.changedAt(module)
    return source !== undefined && built !== undefined && source > built
  }

  private lines(file: string): string[] | null {
    let lines = this.files.get(file)
    if (lines === undefined) {
      const bytes = file.startsWith('/') ? this.world.look(file) : undefined
      lines = bytes === undefined ? null : new TextDecoder().decode(bytes).split('\n')
      if (lines?.at(-1) === '') lines.pop()
      this.files.set(file, lines)
    }
    return lines
  }
}
