export function isRust(_t:unknown):boolean{return false}
export function formatRust(_v:unknown,_t:unknown,_o:unknown):string|undefined{return undefined}
