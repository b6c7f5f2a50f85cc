/** Exists to keep count of the labels that are open in a function body, so that branches can name them from the outermost on. */
import { BLOCK_VOID, FunctionBody } from './encode.ts'
import * as OP from './opcodes.ts'

/** A function body whose labels have levels: 0 is the outermost. */
export class LabelledBody {
  readonly body: FunctionBody
  private open = 0

  constructor(parameters: number) {
    this.body = new FunctionBody(parameters)
  }

  /** Starts another function. */
  protected resetLabels(parameters: number): void {
    this.body.reset(parameters)
    this.open = 0
  }

  if_(): void {
    this.body.opBlock(OP.if, BLOCK_VOID)
    this.open++
  }

  /** An if that gives a value of the block type `result`. */
  ifGiving(result: number): void {
    this.body.opBlock(OP.if, result)
    this.open++
  }

  else(): void {
    this.body.op(OP.else)
  }

  block(): void {
    this.body.opBlock(OP.block, BLOCK_VOID)
    this.open++
  }

  loop(): void {
    this.body.opBlock(OP.loop, BLOCK_VOID)
    this.open++
  }

  end(): void {
    this.body.op(OP.end)
    this.open--
  }

  br(depth: number): void {
    this.body.opIndex(OP.br, depth)
  }

  /** Branches to the label at `level`. */
  protected branchTo(level: number): void {
    this.br(this.open - 1 - level)
  }
}
