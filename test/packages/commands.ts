/** The packaged programs that packages.test.ts compares with native runs, where the package is installed. */

export interface Packaged {
  name: string
  /** What must exist; a test for something that is not installed is skipped, and says so. */
  needs: string[]
  /** Absolute path of the program and its arguments; `$D` in them is the directory of the programs that were built. */
  argv: string[]
  env?: Record<string, string>
  /** Executed natively in the directory before. */
  setup?: string
}

const LIBRARIES = '/usr/lib/x86_64-linux-gnu'

const shell = (name: string, needs: string[], script: string, setup?: string): Packaged => ({
  name,
  needs: ['/bin/bash', ...needs],
  argv: ['/bin/bash', '-c', script],
  setup,
})

const allocators = [
  ['jemalloc', 'libjemalloc.so.2'],
  ['mimalloc', 'libmimalloc.so.2.0'],
  ['tcmalloc', 'libtcmalloc_minimal.so.4'],
].map(([name, file]): Packaged => ({
  name: `${name} by LD_PRELOAD`,
  needs: [`${LIBRARIES}/${file}`],
  argv: ['$D/mallocs'],
  env: { LD_PRELOAD: `${LIBRARIES}/${file}` },
}))

export const packaged: Packaged[] = [
  ...allocators,
  { name: 'C++: exceptions across threads, streams, 16-byte atomics', needs: ['$D/threads'], argv: ['$D/threads'] },
  { name: 'Rust: threads and channels', needs: ['$D/channels'], argv: ['$D/channels'] },
  {
    name: 'lua5.4',
    needs: ['/usr/bin/lua5.4'],
    argv: [
      '/usr/bin/lua5.4',
      '-e',
      `local t = {} for i = 1, 200 do t[#t + 1] = (i * 37) % 101 end table.sort(t) print(table.concat(t, ",", 1, 20))
       local co = coroutine.wrap(function(a) for i = 1, 3 do a = a + coroutine.yield(a * i) end return "done" end)
       print(co(1), co(2), co(3), co(4)) print(pcall(error, 5)) print(select(2, pcall(error, "text", 0)))
       print(string.format("%q %5.2f %x %s", 'a"b', 1 / 3, 255, 2^53), ("hello world"):gsub("o", "0"), math.type(3 // 2), 7 // 0.0, -7 % 3, 1 << 62)
       local m = setmetatable({}, {__index = function(_, k) return k .. "!" end, __close = function() print("closed") end}) do local c <close> = m end print(m.x)
       for k, v in string.gmatch("a=1, b=2", "(%w+)=(%w+)") do io.write(k, v, ";") end print(os.time({year = 2020, month = 1, day = 1, hour = 0}), utf8.char(228, 8364), #arg)`,
    ],
  },
  shell(
    'busybox, static',
    ['/usr/bin/busybox'],
    `b=/usr/bin/busybox; $b seq 30 | $b sort -rn | $b head -3 | $b tr '\\n' ' '; $b echo abc | $b sha256sum; $b find . -name '*.txt' | $b sort | $b xargs $b wc
     $b awk 'BEGIN { for (i = 0; i < 5; i++) s += i * i; printf "%d %s\\n", s, toupper("x") }'; $b sed -n '2,3p' a.txt; $b gzip -c a.txt | $b gunzip -c | $b md5sum
     $b sh -c 'for i in 1 2 3; do echo $((i * i)); done | while read x; do echo "<$x>"; done; trap "echo bye" EXIT'; $b tar cf - a.txt | $b tar tvf - | $b awk '{print $6}'; $b printf '%05d\\n' 42; $b expr 3 + 4; $b dc -e '2 3 ^ p'`,
    'seq 100 > a.txt; seq 5 > b.txt',
  ),
  shell(
    'compressors with threads',
    ['/usr/bin/xz', '/usr/bin/zstd', '/usr/bin/bzip2'],
    `xz -T2 --block-size=8000 -k data && xz -dc data.xz | cmp - data && xz --list --robot data.xz | cut -f1-3 | head -2; zstd -q -T2 -B8192 data -o data.zst && zstd -q -dc data.zst | cmp - data
     bzip2 -k data && bzip2 -dc data.bz2 | cmp - data; gzip -9 -k data && gzip -l data.gz; stat -c '%s %b' data.*; md5sum data.*`,
    'seq 3000 > data',
  ),
  shell(
    'openssl: digests and ciphers',
    ['/usr/bin/openssl'],
    `for d in md5 sha512 sha3-256 blake2b512; do openssl dgst -$d data; done; openssl dgst -sha256 -hmac key data
     for c in aes-128-cbc chacha20 camellia-128-cbc; do openssl enc -$c -K 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f -iv 000102030405060708090a0b0c0d0e0f -in data 2>/dev/null | openssl dgst -md5; done
     openssl enc -aes-256-cbc -pbkdf2 -iter 100 -S 0102030405060708 -k pass -in data -out e && openssl enc -d -aes-256-cbc -pbkdf2 -iter 100 -S 0102030405060708 -k pass -in e | cmp - data`,
    'seq 3000 > data',
  ),
  shell(
    'sqlite3, jq, gawk, bc',
    ['/usr/bin/sqlite3', '/usr/bin/jq', '/usr/bin/gawk', '/usr/bin/bc'],
    `sqlite3 db 'create table t(a integer primary key, b text); with recursive n(i) as (select 1 union all select i+1 from n where i<500) insert into t select i, hex(i*i) from n; create index x on t(b); select count(*), sum(a), max(b) from t where b like "3%"; pragma integrity_check; explain query plan select * from t where b="31";'
     sqlite3 -json db 'select b, row_number() over (order by b) r from t limit 3'; seq 20 | jq -s -c 'map(select(. % 3 == 0)) | {sum: add, list: .}'; echo '{"a":[1,{"b":2.50}],"c":"ä"}' | jq -c '.a[1].b, (.c|explode), @base64 "x\\(.c)", (.a|tostring|fromjson|length)'
     seq 50 | gawk '{s[$1%7]+=$1} END {PROCINFO["sorted_in"]="@ind_num_asc"; for (k in s) print k, s[k]; print strftime("%F", 0, 1), gensub(/(.)b/, "<\\\\1>", "g", "abab"), length("äö")}'; echo 'scale=30; 4*a(1); 2^100; sqrt(2)' | bc -l`,
  ),
]
