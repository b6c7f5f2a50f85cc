/** Exists to find a project's `lemming.config.ts`, and to let it say what the command line does not. */
import * as fs from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Command } from 'commander'
import { LemmingError } from '../base/errors.ts'
import type { CustomFunction } from '../tool/allocator-spec.ts'
import type { Config } from './define-config.ts'

const NAMES = ['lemming.config.ts', 'lemming.config.mts', 'lemming.config.js', 'lemming.config.mjs']

/** Sets the options of `command` that a configuration has and nobody has given. */
export async function applyConfig(command: Command): Promise<void> {
  const options = command.opts<{ config?: string; cwd?: string; jsonSchema?: boolean }>()
  if (
    !command.options.some(({ long }) => long === '--config') ||
    options.config === 'none' ||
    options.jsonSchema === true
  )
    return
  const file = options.config === undefined ? configAbove(process.cwd()) : resolve(options.config)
  if (file === null) return
  const config = await load(file)
  for (const [name, value] of Object.entries(optionsOf(config, dirname(file)))) {
    if (value === undefined) continue
    const given = command.getOptionValueSource(name)
    const old: unknown = command.getOptionValue(name)
    if (given !== undefined && given !== 'default' && !ADDED.has(name)) continue
    const wanted = ADDED.has(name) ? [...(value as unknown[]), ...(Array.isArray(old) ? old : [])] : value
    command.setOptionValueWithSource(name, wanted, 'config')
  }
}

/** Options that add up. */
const ADDED = new Set(['env', 'alloc', 'free', 'suppressions'])

/** The nearest configuration in a directory or above; null for none. */
function configAbove(directory: string): string | null {
  for (let at = directory; ; at = dirname(at)) {
    const name = NAMES.find((one) => fs.existsSync(join(at, one)))
    if (name !== undefined) return join(at, name)
    if (dirname(at) === at) return null
  }
}

async function load(file: string): Promise<Config> {
  let module: { default?: unknown }
  const emitWarning = process.emitWarning.bind(process)
  // That the package does not say what kind of modules it has is nothing that concerns lemming.
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    const [options] = rest as [{ code?: string } | undefined]
    if (options?.code !== 'MODULE_TYPELESS_PACKAGE_JSON') Reflect.apply(emitWarning, process, [warning, ...rest])
  }
  try {
    module = (await import(pathToFileURL(file).href)) as typeof module
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error)
    throw new LemmingError('config', `${file} does not load: ${why}`, 'repair it, or say --config none')
  } finally {
    process.emitWarning = emitWarning
  }
  const { configSchema } = await import('./config-schema.ts')
  const result = configSchema.safeParse(module.default)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  const where = path.length === 0 ? 'its default export' : path.join('.')
  throw new LemmingError(
    'config',
    `${file}: ${where}: ${message}`,
    'its default export is defineConfig({ … }); see docs/configuration.md',
  )
}

/** As commander has them. */
function optionsOf(config: Config, directory: string): Record<string, unknown> {
  const { check, undefValueErrors, alloc, free, suppressions, env, ...plain } = config
  const functions = (list: readonly object[] | undefined, frees: boolean): CustomFunction[] | undefined =>
    list?.map((one) => ({ ...one, frees }) as CustomFunction)
  return {
    ...plain,
    check: Array.isArray(check) ? check.join() : check,
    undefValueErrors: undefValueErrors === undefined ? undefined : undefValueErrors ? 'yes' : 'no',
    alloc: functions(alloc, false),
    free: functions(free, true),
    suppressions: suppressions?.map((one) => resolve(directory, one)),
    env: env && Object.entries(env).map(([name, value]) => `${name}=${value}`),
  }
}
