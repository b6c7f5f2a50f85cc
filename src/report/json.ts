/** Exists to write findings for scripts: the same values as in the text, under stable names. */
import type { Finding } from '../tool/finding.ts'
import type { ReportContext } from './text.ts'

/** A finding as `--json` shows it. Findings are JSON as they stand; what surrounds them is added here. */
export type ReportJson = Finding & ReportContext

export function reportJson(finding: Finding, context: ReportContext): ReportJson {
  return { ...finding, again: context.again }
}
