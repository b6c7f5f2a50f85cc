/** Exists so that front ends can write schedules down without loading a machine. */
export { turnsName, type Schedule } from '../linux/scheduler/turns.ts'
