/** The commands that scripts.test.ts compares with native runs. */

export interface Command {
  name: string
  /** Absolute path of the program and its arguments. */
  argv: string[]
  /** Executed natively in the directory before. */
  setup?: string
  seeds: number[]
}

const bash = (name: string, script: string, setup?: string): Command => ({
  name,
  argv: ['/bin/bash', '-c', script],
  setup,
  seeds: [1, 2],
})
const dash = (name: string, script: string, setup?: string): Command => ({
  ...bash(name, script, setup),
  argv: ['/bin/dash', '-c', script],
})
const one = (command: Command): Command => ({ ...command, seeds: [1] })

export const commands: Command[] = [
  bash(
    'bash: pipes, subshells, substitution, here-documents',
    `for i in 1 2 3; do (echo sub $i; exit $i) | tr a-z A-Z; echo "\${PIPESTATUS[@]}"; done
     x=$(seq 20 | sort -rn | head -3 | paste -sd,); echo "$x" "\`echo old\`"
     cat <<END | sed 's/^/> /'
     here $((6 * 7)) $x
END
     cat <<< "a string"; diff <(echo a; echo b) <(echo a; echo c); echo $?
     read a b < <(echo one two); echo $b $a; exit 3`,
  ),
  bash(
    'bash: traps, background jobs, wait, signals',
    `trap 'echo term; exit 9' TERM; trap 'echo bye' EXIT; trap 'echo usr1' USR1
     sleep 0.2 & false & true & wait -n; wait
     (exit 5) & wait $!; echo $?
     sleep 100 & kill $!; wait $! 2>/dev/null; echo $?
     kill -USR1 $$; sleep 0.1
     (sleep 0.1; kill -TERM $$) & wait; echo not reached`,
  ),
  bash('bash: ends by a signal', 'kill -KILL $$'),
  bash(
    'bash: coprocess, process substitution for output',
    `coproc cat; echo in >&"\${COPROC[1]}"; read -u "\${COPROC[0]}" x; echo $x; kill $COPROC_PID
     echo text | tee >(tr a-z A-Z >copy) >/dev/null; sleep 0.1; cat copy`,
  ),
  dash(
    'dash: a script of its own',
    `f() { echo "f $1"; return 4; }
     f a; echo $?; f b | cat; (cd /; pwd); pwd | sed 's/.*-//;s/......$//'
     i=0; while [ $i -lt 25 ]; do /bin/true || echo no; i=$((i + 1)); done; echo $i
     set -e; false || true; x=$(echo out; exit 0); echo "$x"; sh ./script one two; ./script three
     /nonexistent/command`,
    `printf '#!/bin/sh\\necho "script $# $*"\\n' >script; chmod +x script`,
  ),
  bash(
    'coreutils and findutils that run others',
    `env -i A=1 B=2 env; printf '%s\\n' c a b | xargs -n2 echo; printf '%s\\0' x y | xargs -0 -P2 -I{} sh -c 'exit 0'
     find . -name '*.txt' -exec wc -l {} \\; | sort; find . -name '*.txt' -exec cat {} + | sort
     timeout 0.2 sleep 5; echo $?; timeout 5 sh -c 'exit 6'; echo $?; { timeout -s KILL 0.1 sleep 5; } 2>/dev/null; echo $?
     nice -n 19 nice; nohup echo hup 2>/dev/null; stdbuf -oL echo buf; seq 1000 | split -n l/3 --filter='wc -l'
     sort --parallel=2 -R numbers | sort -n | md5sum; setsid sh -c 'echo session'; env nonexistent; echo $?
     mkdir d; cp *.txt d; ls d; install -m 600 one.txt d/i; stat -c %a d/i; rm -r d; mkfifo p; cat p & echo fifo >p; wait`,
    `printf '1\\n2\\n' >one.txt; printf '3\\n' >two.txt; seq 2000 >numbers`,
  ),
  {
    name: 'perl: system, backticks, open, fork, exec',
    argv: [
      '/usr/bin/perl',
      '-e',
      `$| = 1; print \`echo back\`; system("echo system; exit 3"); print $? >> 8, "\\n";
       open(P, "-|", "echo", "piped") or die; print <P>; close P; open(Q, "| cat") or die; print Q "to cat\\n"; close Q;
       my $pid = fork; if (!$pid) { exit 9 } waitpid($pid, 0); print $? >> 8, "\\n";
       pipe(R, W); if (!fork) { close R; print W "child\\n"; exit 0 } close W; print <R>; wait;
       local $SIG{CHLD} = sub { print "reaped ", wait() > 0 ? 1 : 0, "\\n" }; if (!fork) { exit 0 } sleep 2;
       exec "echo", "done"`,
    ],
    seeds: [1, 2],
  },
  {
    name: 'python: fork, subprocess, pipes, signals',
    argv: [
      '/usr/bin/python3',
      '-c',
      `import os, signal, subprocess, sys
print(subprocess.check_output(["echo", "x"]), subprocess.run("echo a | tr a b; exit 3", shell=True, capture_output=True), flush=True)
pid = os.fork()
if pid == 0: os._exit(5)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
try: subprocess.run(["sleep", "5"], timeout=0.1)
except subprocess.TimeoutExpired: print("timeout")
try: subprocess.run(["/nonexistent"])
except FileNotFoundError as e: print(e)
p = subprocess.Popen(["sleep", "100"]); p.terminate(); print(p.wait())
p = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE); print(p.communicate(b"data" * 50000)[0] == b"data" * 50000)
print(subprocess.run([sys.executable, "-c", "import os; os.abort()"]).returncode, os.system("exit 4") >> 8)`,
    ],
    seeds: [1],
  },
  {
    name: 'python: multiprocessing',
    argv: ['/usr/bin/python3', 'mp.py'],
    setup: `cat >mp.py <<'END'
import multiprocessing as mp
def square(x): return x * x
def work(queue, lock, value, array):
    with lock: value.value += 1
    array[value.value % 3] += 1
    queue.put(mp.current_process().name)
if __name__ == "__main__":
    mp.set_start_method("fork")
    with mp.Pool(2) as pool: print(pool.map(square, range(8)))
    queue, lock, value, array = mp.Queue(), mp.Lock(), mp.Value("i", 0), mp.Array("i", 3)
    workers = [mp.Process(target=work, args=(queue, lock, value, array)) for _ in range(2)]
    for w in workers: w.start()
    print(sorted(queue.get() for _ in workers))
    for w in workers: w.join()
    print(value.value, sum(array), [w.exitcode for w in workers])
END`,
    seeds: [1],
  },
  one(
    bash(
      'git: a small repository',
      `export HOME=$PWD GIT_AUTHOR_DATE=2024-01-01T00:00:00Z GIT_COMMITTER_DATE=2024-01-01T00:00:00Z
     git init -q -b main r && cd r && git config user.name A && git config user.email a@b
     echo hello >f && git add f && git commit -q -m one && echo more >>f && git commit -q -am two
     git checkout -q -b side HEAD~1 && echo other >g && git add g && git commit -q -m three && git merge -q -m merged main
     git log --graph --format='%h %s' && git diff HEAD~1 --stat && git status --short && git fsck && git gc -q && git show HEAD:g`,
    ),
  ),
  one(
    bash(
      'make and gcc: a small library',
      'make -s -j2 && ls && make -s clean && ls',
      `cat >add.c <<'END'
int add(int a, int b) { return a + b; }
END
cat >main.c <<'END'
#include <stdio.h>
int add(int, int);
int main(void) { printf("%d\\n", add(2, 3)); return 0; }
END
printf 'all: prog\\n\\t./prog\\nprog: main.o libadd.a\\n\\t$(CC) -o $@ main.o libadd.a\\nlibadd.a: add.o\\n\\tar rcs $@ $^\\n%%.o: %%.c\\n\\t$(CC) -O1 -c -o $@ $<\\nclean:\\n\\trm -f *.o *.a prog\\n' >Makefile`,
    ),
  ),
]
