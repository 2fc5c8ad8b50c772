"""Records what real programs say to each other: python3 record.py http1|http2|redis|postgres|mysql|tls

A tee on loopback stands between a client and a server that this script starts in a temporary directory.
Each line of a recording is a piece as it was read: direction (`>` up, `<` down), microseconds since the
beginning, and the bytes as text with escapes. `= N` begins connection N.

Needs the servers and clients themselves, and for `mysql` and `postgres` the Python packages
mysql-connector-python and psycopg. As root, PostgreSQL and MariaDB are run as user `postgres` and `mysql`.
"""

import http.server, os, pathlib, selectors, shutil, signal, socket, subprocess, sys, tempfile, threading, time

HERE = pathlib.Path(__file__).parent
DIR = tempfile.mkdtemp(prefix="record-")
os.chmod(DIR, 0o777)
START = time.monotonic()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def escaped(data):
    keep = lambda b: 32 <= b < 127 and b != 0x5C
    return "".join(chr(b) if keep(b) else {10: "\\n", 13: "\\r"}.get(b, f"\\x{b:02x}") for b in data)


class Tee:
    def __init__(self, port, most=1 << 30):
        self.port, self.most, self.lines, self.lock, self.count = port, most, [], threading.Lock(), 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            self.count += 1
            threading.Thread(target=self.carry, args=(client, self.count), daemon=True).start()

    def carry(self, client, number):
        server = socket.create_connection(("127.0.0.1", self.port))
        mine = [f"= {number}"]
        selector = selectors.DefaultSelector()
        for source, sink, sign in [(client, server, ">"), (server, client, "<")]:
            selector.register(source, selectors.EVENT_READ, (sink, sign))
        open_ways = 2
        while open_ways:
            for key, _ in selector.select():
                sink, sign = key.data
                try:
                    data = key.fileobj.recv(65536)
                except ConnectionError:
                    data = b""
                if not data:
                    selector.unregister(key.fileobj)
                    open_ways -= 1
                    try:
                        sink.shutdown(socket.SHUT_WR)
                    except OSError:
                        pass
                    continue
                micros = int((time.monotonic() - START) * 1e6)
                if len(mine) <= self.most:
                    mine.append(f"{sign} {micros} {escaped(data)}")
                sink.sendall(data)
        with self.lock:
            self.lines += mine

    def save(self, name):
        for _ in range(200):
            with self.lock:
                if sum(line.startswith("=") for line in self.lines) >= self.count:
                    break
            time.sleep(0.02)
        (HERE / f"{name}.txt").write_text("\n".join(self.lines) + "\n")


def wait_for(port):
    for _ in range(600):
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"nothing listens on {port}")


def run(*command, **more):
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)


def start(*command):
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def as_user(name, *command):
    return (["runuser", "-u", name, "--"] if os.getuid() == 0 else []) + list(command)


def http1():
    class Shop(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def answer(self, code, body=b"", **fields):
            self.send_response(code)
            for name, value in fields.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def do_GET(self):
            if self.path.startswith("/login"):
                self.answer(302, Location="/home?token=t0ps3cret", Set_Cookie="session=abc123; HttpOnly")
            elif self.path.startswith("/chunks"):
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for size in [5, 300, 17]:
                    self.wfile.write(b"%x\r\n%s\r\n" % (size, b"c" * size))
                self.wfile.write(b"0\r\nX-Sum: 322\r\n\r\n")
            elif self.path == "/cached":
                self.send_response(304)
                self.end_headers()
            elif self.path == "/old":
                self.send_response(200)
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(b"until the end")
                self.close_connection = True
            elif self.path == "/":
                self.answer(200, b"hello" * 20)
            else:
                self.answer(404, b"no")

        do_HEAD = do_GET

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(201, b'{"id":%d}' % len(body))

    port = free_port()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    tee = Tee(port)
    at = f"http://127.0.0.1:{tee.address}"
    run("curl", "-s", f"{at}/", f"{at}/missing", f"{at}/chunks", f"{at}/cached", f"{at}/old")
    run("curl", "-s", "-I", f"{at}/", "--next", "-s", f"{at}/login?user=ann&password=hunter2",
        "-H", "Authorization: Bearer t0ps3cret", "-b", "session=abc123", "-H", "X-Api-Key: k3y")
    run("curl", "-s", f"{at}/orders", "-d", "x" * 2000, "-H", "Expect: 100-continue")
    tee.save("http1")


def http2():
    root = pathlib.Path(DIR)
    (root / "index.html").write_text("hello" * 20)
    (root / "large").write_text("large" * 4000)
    port = free_port()
    server = start("nghttpd", "--no-tls", "-a", "127.0.0.1", "-d", DIR, str(port))
    wait_for(port)
    tee = Tee(port)
    at = f"http://127.0.0.1:{tee.address}"
    run("nghttp", "-n", f"{at}/index.html", f"{at}/large", f"{at}/missing?key=k3y",
        "-H", "authorization: Bearer t0ps3cret", "-H", "cookie: session=abc123")
    run("curl", "-s", "--http2-prior-knowledge", f"{at}/index.html", "-d", "y" * 700)
    tee.save("http2")
    server.terminate()


def redis():
    port = free_port()
    server = start("redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", DIR, "--save", "",
                   "--requirepass", "t0ps3cret")
    wait_for(port)
    tee = Tee(port)
    at = ("redis-cli", "-p", str(tee.address))
    script = """AUTH t0ps3cret
SET greeting hello
GET greeting
GET nobody
INCR visits
LPUSH queue a b c
LRANGE queue 0 -1
LPUSH greeting x
HSET user:7 name Ann password hunter2
HGETALL user:7
EVAL "return {1,{2,{3,'x'}},{}}" 0
CONFIG SET requirepass t0ps3cret
MULTI
SET a 1
INCR a
EXEC
"""
    run(*at, input=script.encode())
    run(*at, input=b"HELLO 3 AUTH default t0ps3cret SETNAME web\nHGETALL user:7\nGET nobody\nZADD z 1.5 one\nZSCORE z one\nCLIENT TRACKING on\n"
        b"GET greeting\nSET greeting bye\nGET greeting\n")
    run(*at, "-a", "t0ps3cret", "--pipe", input=b"".join(
        b"*3\r\n$3\r\nSET\r\n$4\r\nk%03d\r\n$100\r\n%s\r\n" % (i, b"v" * 100) for i in range(20)))
    subscriber = start(*at, "-a", "t0ps3cret", "SUBSCRIBE", "news")
    for _ in range(100):
        if b"1" in subprocess.run([*at[:2], str(port), "-a", "t0ps3cret", "PUBLISH", "news", "hi"],
                                  capture_output=True).stdout:
            break
        time.sleep(0.05)
    subscriber.terminate()
    tee.save("redis")
    server.terminate()


def postgres():
    data, port = f"{DIR}/pg", free_port()
    binaries = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))[-1]
    (pathlib.Path(DIR) / "password").write_text("hunter2\n")
    run(*as_user("postgres", f"{binaries}/initdb", "-D", data, "-U", "ann", "-A", "scram-sha-256", "--no-sync",
                 "--pwfile", f"{DIR}/password"))
    server = start(*as_user("postgres", f"{binaries}/postgres", "-D", data, "-p", str(port), "-k", DIR,
                            "-c", "listen_addresses=127.0.0.1"))
    wait_for(port)
    tee = Tee(port)
    url = f"postgresql://ann:hunter2@127.0.0.1:{tee.address}/postgres"
    run("psql", url, input=b"""CREATE TABLE t (id int, name text);
INSERT INTO t SELECT n, 'name ' || n FROM generate_series(1, 50) n;
SELECT * FROM t WHERE id < 4;
SELECT * FROM nowhere;
CREATE ROLE bob PASSWORD 'hunter3';
SELECT 1\\; SELECT 2\\; SELECT 3;
COPY t TO STDOUT;
COPY t FROM STDIN;
51\tname 51
\\.
""")
    import psycopg
    with psycopg.connect(url, autocommit=True) as c:
        for n in range(3):
            c.execute("SELECT name FROM t WHERE id = %s", (n,), prepare=True).fetchall()
        with c.pipeline():
            for n in range(3):
                c.execute("UPDATE t SET name = %s WHERE id = %s", ("x" * 300, n))
        try:
            c.execute("SELECT 1 / %s", (0,))
        except psycopg.Error:
            pass
        try:
            c.execute("SELEC %s", (0,))
        except psycopg.Error:
            pass
    run("psql", url.replace("hunter2", "wrong"), input=b"SELECT 1;")
    tee.save("postgres")
    server.send_signal(signal.SIGTERM)
    server.wait()


def mysql():
    data, port = f"{DIR}/my", free_port()
    user = "mysql" if os.getuid() == 0 else os.environ["USER"]
    run("mariadb-install-db", f"--datadir={data}", f"--user={user}", "--auth-root-authentication-method=normal",
        "--skip-test-db")
    server = start("mariadbd", f"--datadir={data}", f"--user={user}", f"--port={port}", f"--socket={DIR}/my.sock",
                   "--bind-address=127.0.0.1", f"--pid-file={DIR}/my.pid", "--skip-ssl")
    wait_for(port)
    run("mariadb", "-u", "root", f"--socket={DIR}/my.sock",
        input=b"CREATE DATABASE shop; CREATE USER ann IDENTIFIED BY 'hunter2'; GRANT ALL ON *.* TO ann;")
    tee = Tee(port)
    at = ("-u", "ann", "-phunter2", "-h", "127.0.0.1", "-P", str(tee.address), "shop")
    (pathlib.Path(DIR) / "rows.tsv").write_text("60\tsixty\n61\tsixty-one\n")
    run("mariadb", "-f", "--local-infile=1", *at, input=f"""CREATE TABLE t (id int, name text);
INSERT INTO t SELECT seq, CONCAT('name ', seq) FROM seq_1_to_50;
SELECT * FROM t WHERE id < 4;
SELECT * FROM nowhere;
CREATE USER bob IDENTIFIED BY 'hunter3';
LOAD DATA LOCAL INFILE '{DIR}/rows.tsv' INTO TABLE t;
DELIMITER //
CREATE PROCEDURE two() BEGIN SELECT 1; SELECT 2, 3; END //
DELIMITER ;
CALL two();
SELECT REPEAT('z', 1000);
""".encode())
    import mysql.connector
    c = mysql.connector.connect(host="127.0.0.1", port=tee.address, user="ann", password="hunter2", database="shop",
                                ssl_disabled=True, use_pure=True)
    cursor = c.cursor(prepared=True)
    for n in range(3):
        cursor.execute("SELECT name FROM t WHERE id = %s", (n,))
        cursor.fetchall()
    c.cmd_ping()
    c.cmd_init_db("mysql")
    c.close()
    run("mariadb", "-u", "ann", "-pwrong", "-h", "127.0.0.1", "-P", str(tee.address), input=b"SELECT 1;")
    tee.save("mysql")
    server.terminate()
    server.wait()


def tls():
    port = free_port()
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
        "-keyout", f"{DIR}/k.pem", "-out", f"{DIR}/c.pem", "-subj", "/CN=shop.test")
    server = start("openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", f"{DIR}/c.pem", "-key",
                   f"{DIR}/k.pem", "-www", "-alpn", "http/1.1", "-tls1_3")
    wait_for(port)
    # Of each connection only the beginning: the rest is noise.
    tee = Tee(port, most=2)
    at = ("--resolve", f"shop.test:{tee.address}:127.0.0.1", f"https://shop.test:{tee.address}/")
    run("curl", "-sk", *at)
    run("curl", "-sk", "--tls-max", "1.2", *at)
    tee.save("tls")
    server.terminate()


try:
    for name in sys.argv[1:]:
        globals()[name]()
finally:
    shutil.rmtree(DIR, ignore_errors=True)
