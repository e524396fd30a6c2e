"""The real programs that real.py records and replays: what each needs, and the shell script that is recorded.

A script runs in a new directory of its own, with PORT a free TCP port. `prepare` is run before, `client` beside it, both
unrecorded; a client begins when something listens at PORT, and has to bring the recorded server to its end.
"""

import dataclasses

WAIT = 'until curl -s -o /dev/null "http://127.0.0.1:$PORT/"; do sleep 0.1; done'
WAIT_REDIS = 'until redis-cli -p "$PORT" ping >/dev/null 2>&1; do sleep 0.1; done'
REDIS = 'redis-server --port "$PORT" --save "" --dir . '
REDIS_LOAD = 'redis-benchmark -p "$PORT" -n 5000 -c 10 -t set,get,incr,lpush,lrange_100 -q'
NGINX = "nginx -p . -c nginx.conf -e stderr"
AB = 'ab -q -n 1000 -c 10 "http://127.0.0.1:$PORT/index.html"'

NGINX_CONF = """cat > nginx.conf <<END
daemon %s;
worker_processes 2;
pid nginx.pid;
error_log stderr warn;
events {}
http { access_log access.log; client_body_temp_path t; proxy_temp_path t; fastcgi_temp_path t; uwsgi_temp_path t;
  scgi_temp_path t; server { listen 127.0.0.1:$PORT; root .; } }
END
seq 1000 > index.html
"""

NODE = """
const { Worker, isMainThread, parentPort, workerData } = require("worker_threads");
const crypto = require("crypto"), fs = require("fs");
if (isMainThread) {
  let left = 3, ticks = 0;
  const timer = setInterval(() => { ++ticks; }, 2);
  for (let i = 0; i < 3; ++i) {
    const worker = new Worker(__filename, { workerData: i });
    worker.on("message", (m) => console.log("worker", i, m));
    worker.on("exit", () => { if (--left === 0) { clearInterval(timer); console.log("ticks", ticks, Date.now()); } });
  }
  crypto.pbkdf2("secret", "salt", 2000, 32, "sha256", (e, key) => console.log(key.toString("hex")));
  fs.readFile(__filename, (e, data) => console.log("read", data.length));
  setTimeout(() => console.log("timeout", Math.random()), 20);
} else {
  let sum = 0;
  for (let i = 0; i < 3e6; ++i) sum = (sum * 31 + i) % 1000003;
  setTimeout(() => parentPort.postMessage({ sum, random: Math.random() }), 5);
}
"""

JAVA = """
import java.util.concurrent.*;
public class Hello {
  public static void main(String[] a) throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(4);
    Future<Integer>[] parts = new Future[8];
    for (int i = 0; i < 8; ++i) { final int n = i; parts[i] = pool.submit(() -> { int s = 0; for (int k = 0; k < 100000; ++k) s += k ^ n; return s; }); }
    int sum = 0;
    for (Future<Integer> part : parts) sum += part.get();
    pool.shutdown();
    System.out.println("hello " + sum + " " + System.nanoTime() + " " + new java.util.Random().nextInt());
  }
}
"""

GO = """
package main
import ("bufio"; "fmt"; "net"; "sync"; "time")
func main() {
  l, err := net.Listen("tcp", "127.0.0.1:0")
  if err != nil { panic(err) }
  go func() { for { c, err := l.Accept(); if err != nil { return }; go func() {
    defer c.Close(); r := bufio.NewReader(c)
    for { s, err := r.ReadString('\\n'); if err != nil { return }; fmt.Fprint(c, s) } }() } }()
  var wg sync.WaitGroup; var mu sync.Mutex; total := 0
  for i := 0; i < 8; i++ { wg.Add(1); go func(i int) {
    defer wg.Done(); c, err := net.Dial("tcp", l.Addr().String()); if err != nil { panic(err) }
    defer c.Close(); r := bufio.NewReader(c)
    for k := 0; k < 50; k++ { fmt.Fprintf(c, "%d %d\\n", i, k); s, err := r.ReadString('\\n'); if err != nil { panic(err) }
      mu.Lock(); total += len(s); mu.Unlock() }
    fmt.Println("done", i) }(i) }
  wg.Wait(); time.Sleep(5 * time.Millisecond); fmt.Println("total", total, time.Now().UnixNano())
}
"""

SQL = """
PRAGMA journal_mode = WAL;
CREATE TABLE n (id INTEGER PRIMARY KEY, value INTEGER);
WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 20000) INSERT INTO n (value) SELECT random() FROM c;
CREATE INDEX by_value ON n (value);
SELECT count(*), min(value) FROM n; SELECT hex(randomblob(8)), datetime('now'); VACUUM; PRAGMA integrity_check;
"""

# Types keys into a terminal program and prints what its terminal showed.
TERMINAL = """
import os, pty, select, sys, time
pid, master = pty.fork()
if pid == 0: os.execvp(sys.argv[2], sys.argv[2:])
keys = [k.encode().decode("unicode_escape").encode() for k in sys.argv[1].split(",")]
seen, quiet = b"", time.monotonic()
while True:
    if select.select([master], [], [], 0.3)[0]:
        try: piece = os.read(master, 4096)
        except OSError: break
        if not piece: break
        seen += piece
    elif keys: os.write(master, keys.pop(0))
os.write(1, seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""

GIT = """
export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b GIT_PAGER=cat
git init -q -b main r && cd r && seq 500 > a && mkdir d && seq 9 > d/b && git add . && git commit -q -m one
git checkout -q -b side && seq 400 > a && git commit -qam two && git checkout -q main && seq 10 > d/b && git commit -qam three
git merge -q -m four side && git log --stat --graph && git diff HEAD~1 && git status && git blame d/b && git grep -n 5 -- d
git tag v1 && git gc -q && git fsck && git stash list && git clone -q . ../copy && cd ../copy && git fetch -q && git rebase -q HEAD~1
git bisect start -q HEAD HEAD~1; git archive HEAD | tar t
"""

CMAKE = """
cat > CMakeLists.txt <<END
cmake_minimum_required(VERSION 3.13)
project(hello C)
add_library(part part.c)
add_executable(hello hello.c)
target_link_libraries(hello part)
END
echo 'int part(void) { return 7; }' > part.c
echo 'int part(void); int main(void) { return part(); }' > hello.c
"""


@dataclasses.dataclass(frozen=True)
class Case:
    script: str
    needs: tuple = ()
    prepare: str = ""
    client: str = ""
    terminal: bool = False  # the harness gives it a terminal as standard input and output
    files: tuple = ()  # (name, content)
    seconds: int = 120  # for the recording; replay has twice as long


def python_tests(module):
    # A module of the installed Python: Debian has them in libpython3-testsuite.
    return Case(f"/usr/bin/python3 -m test.{module}", ("/usr/bin/python3", f"python module test.{module}"), seconds=240)


CASES = {
    **{
        name: python_tests(name)
        for name in ("test_os", "test_subprocess", "test_signal", "test_threading", "test_asyncio",
                     "test_mmap", "test_select", "test_pty")
    },
    # Not its ThreadedVSOCKSocketStreamTest: that waits for ever where there is no vsock device to connect to.
    "test_socket": Case("/usr/bin/python3 -m test test_socket -v -i '*VSOCK*' 2>&1 | tail -20",
                        ("/usr/bin/python3", "python module test.test_socket"), seconds=240),
    "git": Case(GIT, ("git", "tar")),
    "redis": Case(f"{REDIS} >log & {WAIT_REDIS}; {REDIS_LOAD}; redis-cli -p $PORT shutdown nosave; wait",
                  ("redis-server", "redis-benchmark", "redis-cli")),
    "redis-server": Case(f"exec {REDIS}", ("redis-server", "redis-benchmark", "redis-cli"),
                         client=f"{REDIS_LOAD}; redis-cli -p $PORT shutdown nosave"),
    "redis-save": Case(f"exec {REDIS} --appendonly yes", ("redis-server", "redis-benchmark", "redis-cli"),
                       client=f"{REDIS_LOAD}; redis-cli -p $PORT bgsave; sleep 1; redis-cli -p $PORT shutdown save"),
    "nginx": Case(f"{NGINX} & {WAIT}; {AB}; kill -QUIT $(cat nginx.pid); wait", ("nginx", "ab", "curl"),
                  prepare=NGINX_CONF % "off"),
    "nginx-daemon": Case(f"{NGINX}; {WAIT}; {AB}; {NGINX} -s quit; while test -e nginx.pid; do sleep 0.1; done",
                         ("nginx", "ab", "curl"), prepare=NGINX_CONF % "on"),
    "nginx-server": Case(f"exec {NGINX}", ("nginx", "ab"), prepare=NGINX_CONF % "off",
                         client=f"{AB} >/dev/null; kill -QUIT $(cat nginx.pid)"),
    "sqlite3": Case("sqlite3 new.db < in.sql", ("sqlite3",), files=(("in.sql", SQL),)),
    "node": Case("node t.js", ("node",), files=(("t.js", NODE),)),
    "javac": Case("javac -Xlint:none -nowarn Hello.java 2>/dev/null && ls", ("javac",), files=(("Hello.java", JAVA),)),
    "java": Case("java -cp . Hello", ("java", "javac"), prepare="javac -nowarn Hello.java 2>/dev/null",
                 files=(("Hello.java", JAVA),)),
    "go-net": Case("./g", ("go",), prepare="GOCACHE=$PWD/cache GO111MODULE=off go build -o g g.go", files=(("g.go", GO),)),
    "go-build": Case("GOCACHE=$PWD/cache GO111MODULE=off go build -o g g.go && ./g", ("go",), files=(("g.go", GO),),
                     seconds=400),
    "gcc-lto": Case("gcc -O2 -flto=2 -o p part.c hello.c && ./p", ("gcc",), prepare=CMAKE),
    "cmake": Case("cmake -S . -B b && cmake --build b -j2 && b/hello", ("cmake", "gcc"), prepare=CMAKE),
    "tar-zstd": Case("tar c -C /usr/include . | zstd -T2 | zstd -dc | tar t | wc", ("tar", "zstd")),
    "ssh-keygen": Case("ssh-keygen -q -t rsa -N '' -f k1; ssh-keygen -q -t ed25519 -N '' -f k2; cat k*", ("ssh-keygen",)),
    "openssl-speed": Case("openssl speed -seconds 1 sha256; openssl speed -multi 2 -seconds 1 aes-128-gcm", ("openssl",)),
    "curl": Case(f"python3 -m http.server -b 127.0.0.1 $PORT >log 2>&1 & p=$!; {WAIT}; "
                 "for i in 1 2 3; do curl -sv http://127.0.0.1:$PORT/; done; kill $p; wait", ("python3", "curl")),
    "http-server": Case("exec python3 -m http.server -b 127.0.0.1 $PORT", ("python3", "curl"),
                        client="for i in $(seq 50); do curl -s http://127.0.0.1:$PORT/; done; kill -INT $RECORDED"),
    "perl": Case("perl -e 'use Time::HiRes; $SIG{CHLD} = sub { print \"child\\n\" }; $|=1; for (1..5) { fork or exit $_; wait; "
                 "print $?>>8, \" \", rand, \" \", Time::HiRes::time, \"\\n\" } print join(\" \", sort keys %ENV), `ls /`'",
                 ("perl",)),
    "ruby": Case("ruby -e 'q = Queue.new; t = 4.times.map { |i| Thread.new { 20.times { |k| q << [i, k]; sleep 0.001 } } }; "
                 "t.each(&:join); p q.size, rand, Time.now, q.pop; r = Ractor.new { 40 + 2 }; p r.take; puts `ls /`; "
                 "p fork { exit 3 }.class, Process.wait2[1].exitstatus'", ("ruby",)),
    "lua": Case("lua5.4 -e 'math.randomseed(os.time()) for i = 1, 5 do print(math.random(), os.clock(), {}) end "
                "local p = io.popen(\"ls /\") print(p:read(\"a\")) print(p:close())'", ("lua5.4",)),
    "vim": Case("TERM=xterm python3 t.py 'ihello world\\x1b,yyp,:wq\\r' vim -u NONE -n f.txt; cat f.txt", ("vim", "python3"),
                files=(("t.py", TERMINAL),)),
    "vim-terminal": Case("TERM=xterm vim -c q", ("vim",), terminal=True),
    "less": Case("seq 1000 > f; TERM=xterm python3 t.py ' ,/777\\r,G,q' less f", ("less", "python3"),
                 files=(("t.py", TERMINAL),)),
    "bash-terminal": Case("TERM=xterm python3 t.py 'stty -a\\r,sleep 5 &\\r,jobs\\r,cat\\r,\\x1a,fg\\r,\\x04,exit 4\\r' "
                          "bash --norc --noprofile -i", ("bash", "python3"), files=(("t.py", TERMINAL),)),
    "top": Case("top -b -n 2 -d 0.2 | head -5", ("top",)),
    "ps": Case("ps aux | wc -l; ps -ef --forest | tail -3", ("ps",)),
    "find-xargs": Case("find /usr/share/doc -name 'copyright*' | sort | xargs -P 3 -n 40 sha256sum | sort | sha256sum; du -s /usr/lib/python3", ()),
    "coreutils": Case("mkdir a && seq 10000 > a/x && cp -a --reflink=auto a b && dd if=a/x of=c bs=1k status=none && cmp a/x c && "
                       "split -n 3 c && cat xa* | sha256sum && sort -R --parallel=2 c | sort -n | md5sum; gzip -9 c; xz -T2 -k a/x; ls -l"),
    "make": Case("cmake -G 'Unix Makefiles' -S . -B b >/dev/null && make -j4 -C b", ("cmake", "make", "gcc"), prepare=CMAKE),
    "dpkg": Case("dpkg -l | tail -3; dpkg -S /bin/ls; apt-cache policy bash", ("dpkg", "apt-cache")),
    "setuid": Case("setpriv --reuid=1000 --regid=1000 --clear-groups su -c id nobody </dev/null; id", ("setpriv", "su")),
    "unshare": Case("unshare -r sh -c 'id -u; cat /proc/self/uid_map'; unshare -rpf --mount-proc sh -c 'ps ax | wc -l; echo $$'",
                    ("unshare",)),
    "bwrap": Case("bwrap --unshare-all --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 "
                  "--proc /proc --dev /dev --tmpfs /tmp sh -c 'id; ls /; echo $$; ls /usr | wc -l'", ("bwrap",)),
    "chroot": Case("mkdir r && cp $(command -v busybox) r/ && chroot r /busybox sh -c 'echo /*; /busybox ls -l /; echo $$'",
                   ("chroot", "busybox")),
}
