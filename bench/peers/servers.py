"""Starts and stops the servers that are compared: floodgated on both engines, HAProxy, nginx, Hitch.

Each server runs alone on core 1 with one thread of work; the backend and all load run on core 0. The
configurations are what a careful operator would write: a backlog of 4096, one worker, room for about
9,000 connections (two descriptors each, of the 20,000 that a process has here), Debian's time-outs.
All files are in one temporary directory that Bench removes.
"""
import glob
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

SERVER_CORE, LOAD_CORE = "1", "0"
BACKLOG = 4096
START_SECONDS_MAX = 10
STOP_SECONDS_MAX = 10
IDLE_SHARE = 0.03   # of its core, measured over IDLE_SAMPLE_SECONDS
IDLE_SAMPLE_SECONDS = 0.3
NEEDED = {"haproxy": "haproxy", "nginx": "nginx-light libnginx-mod-stream", "hitch": "hitch",
          "taskset": "util-linux", "chrt": "util-linux", "openssl": "openssl"}


class BenchError(Exception):
    """Something that makes the figures worthless: the message says what, and what would be right."""


def busy_share(seconds=0.25):
    """How much of the whole machine is at work, 0 to 1: before a measurement it should be nothing."""
    def read():
        with open("/proc/stat", encoding="ascii") as stat:
            ticks = [int(word) for word in stat.readline().split()[1:]]
        return sum(ticks[:8]), ticks[3] + ticks[4]  # all; idle and waiting for a disk
    total, idle = read()
    time.sleep(seconds)
    total_after, idle_after = read()
    return 1 - (idle_after - idle) / max(1, total_after - total)


def missing_packages():
    return sorted({package for program, package in NEEDED.items()
                   if shutil.which(program) is None and not os.path.exists("/usr/sbin/" + program)})


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def is_free(port):
    """Nobody is bound to it. A server left over from an earlier run that shares the port by
    SO_REUSEPORT (HAProxy does) would take half of the work, and halve every figure."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # TIME_WAIT does no harm
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError:
            return False
    return not listens(port)


def free_port():
    """A port below those that the kernel gives to connecting sockets: one of these could be taken by
    a client before the server binds it."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as limits:
        first = int(limits.read().split()[0])
    for _ in range(1000):
        port = random.randrange(max(1024, first - 20000), first)
        if is_free(port):
            return port
    raise BenchError("no port is free below the local port range: stop what is listening there")


def family(pid):
    """The process and all that descend from it: nginx and Hitch work in a child."""
    pids = [pid]
    for children in glob.glob(f"/proc/{pid}/task/*/children"):
        try:
            with open(children, encoding="ascii") as listing:
                for child in listing.read().split():
                    pids += family(int(child))
        except FileNotFoundError:
            continue
    return pids


class Server:
    """A running server. `port` is the agents'; `controller_port` is None unless it was asked for."""

    def __init__(self, name, process, log, port, controller_port):
        self.name, self.process, self.log = name, process, log
        self.port, self.controller_port = port, controller_port

    def cpu_seconds(self):
        """User and system time of all its processes, from /proc/PID/task/TID/schedstat."""
        total = 0
        for member in family(self.process.pid):
            for task in glob.glob(f"/proc/{member}/task/*/schedstat"):
                with open(task, encoding="ascii") as stat:
                    total += int(stat.read().split()[0])
        return total / 1e9

    def resident_kib(self):
        total = 0
        for member in family(self.process.pid):
            with open(f"/proc/{member}/status", encoding="ascii") as status:
                total += sum(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))
        return total

    def require_running(self):
        if self.process.poll() is not None:
            raise BenchError(f"{self.name} ended with {self.process.returncode}:\n{self.last_words()}")

    def last_words(self):
        with open(self.log, encoding="utf-8", errors="replace") as lines:
            return lines.read()[-2000:]

    def wait_until_idle(self, seconds_max):
        """Seconds until it does nothing any more, at most `seconds_max`: what it still worked for clients
        that had left."""
        begun = time.monotonic()
        while time.monotonic() - begun < seconds_max:
            self.require_running()
            before = self.cpu_seconds()
            time.sleep(IDLE_SAMPLE_SECONDS)
            if self.cpu_seconds() - before < IDLE_SHARE * IDLE_SAMPLE_SECONDS:
                break
        return max(0.0, time.monotonic() - begun - IDLE_SAMPLE_SECONDS)

    def stop(self):
        """Ends it and what it started."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)  # its own group: children left behind
        except ProcessLookupError:
            pass
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Bench:
    """The temporary directory, the certificates and the backend. Use as a context manager."""

    def __init__(self, build):
        self.build = os.path.abspath(build)
        self.directory = tempfile.mkdtemp(prefix="floodgate-peers-")
        self.backend_server = None
        self.count = 0

    def __enter__(self):
        try:
            self.make_certificate("ecdsa", ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
            self.make_certificate("rsa4096", ["rsa:4096"])
            self.backend = free_port()
            self.backend_server = self.start(
                "the backend", [self.tool("bench/peers/peer_backend"), str(self.backend)],
                self.backend, core=LOAD_CORE)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.backend_server is not None:
            self.backend_server.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def make_certificate(self, name, key):
        subprocess.run(["openssl", "req", "-x509", "-newkey", *key, "-nodes", "-days", "2", "-subj",
                        "/CN=localhost", "-keyout", self.file(f"{name}.key"),
                        "-out", self.file(f"{name}.pem")], check=True, capture_output=True)
        with open(self.file(f"{name}.pem"), encoding="ascii") as first, \
                open(self.file(f"{name}.key"), encoding="ascii") as second:
            self.write(f"{name}.both", first.read() + second.read())

    def tool(self, name):
        path = os.path.join(self.build, name)
        if not os.access(path, os.X_OK):
            raise BenchError(f"{name} is not in the build directory: build it first, as tools/bench does")
        return path

    def file(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        with open(self.file(name), "w", encoding="ascii") as out:
            out.write(text)
        return self.file(name)

    def start(self, name, command, port, controller_port=None, core=SERVER_CORE, ready=None):
        """Starts `command` on `core` and returns when `ready()` (default: `port` can be connected to).
        The port is checked just before: see is_free."""
        for wanted in filter(None, (port, controller_port)):
            if not is_free(wanted):
                raise BenchError(f"{name}: port {wanted} is taken already; stop who has it")
        self.count += 1
        log = self.file(f"server-{self.count}.log")
        with open(log, "w", encoding="ascii") as out:
            process = subprocess.Popen(["taskset", "-c", core, *command], stdout=out, stderr=out,
                                       start_new_session=True)
        server = Server(name, process, log, port, controller_port)
        try:
            deadline = time.monotonic() + START_SECONDS_MAX
            while not (ready() if ready else listens(port)):
                server.require_running()
                if time.monotonic() > deadline:
                    raise BenchError(f"{name} does not listen on {port}:\n{server.last_words()}")
                time.sleep(0.02)
        except BaseException:
            server.stop()
            raise
        return server


# --- The configurations ------------------------------------------------------------------------------
# Each takes: tls, None or the name of a certificate; limit, a bound per source for the row "refusal";
# controller, whether a second port is wanted, for controllers.


def haproxy(bench, tls=None, limit=False, controller=False, splice=False):
    ports = [free_port() for _ in range(1 + controller)]
    secure = f" ssl crt {bench.file(f'{tls}.both')} alpn http/1.1" if tls else ""
    rules = ("  stick-table type ip size 100k expire 60s store conn_rate(60s)\n"
             "  tcp-request connection track-sc0 src\n"
             "  tcp-request connection reject if { sc0_conn_rate gt 10 }\n") if limit else ""
    pipes = ""
    if splice:
        rules += "  option splice-auto\n"
        pipes = "  maxpipes 500\n"  # Else it wants more descriptors than there are.
    fronts = "".join(f"frontend front{number}\n  bind 127.0.0.1:{port} backlog {BACKLOG}{secure}\n"
                     f"{rules}  default_backend back\n" for number, port in enumerate(ports))
    config = bench.write("haproxy.cfg", f"""
global
  nbthread 1
  maxconn 9000
{pipes}  tune.ssl.cachesize 0
  ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
  mode tcp
  maxconn 9000
  timeout connect 5s
  timeout client 50s
  timeout server 50s
{fronts}backend back
  server one 127.0.0.1:{bench.backend}
""")
    return bench.start("HAProxy", ["haproxy", "-db", "-f", config], *ports)


def nginx(bench, tls=None, limit=False, controller=False):
    ports = [free_port() for _ in range(1 + controller)]
    secure = (f"ssl_certificate {bench.file(f'{tls}.pem')};\n"
              f"    ssl_certificate_key {bench.file(f'{tls}.key')};\n"
              "    ssl_protocols TLSv1.2 TLSv1.3;\n    ssl_session_tickets on;") if tls else ""
    zone = "limit_conn_zone $binary_remote_addr zone=sources:10m;" if limit else ""
    rule = "limit_conn sources 1;" if limit else ""
    fronts = "".join(f"""
  server {{
    listen 127.0.0.1:{port} backlog={BACKLOG}{" ssl" if tls else ""};
    {secure}
    {rule}
    proxy_pass 127.0.0.1:{bench.backend};
  }}""" for port in ports)
    config = bench.write("nginx.conf", f"""
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid {bench.file("nginx.pid")};
error_log {bench.file("nginx.log")} crit;
events {{ worker_connections 18000; }}
stream {{
  {zone}{fronts}
}}
""")
    return bench.start("nginx", ["nginx", "-c", config], *ports)


def hitch(bench, tls=None, limit=False, controller=False):
    if not tls or limit:
        raise BenchError("Hitch speaks TLS alone and has no limit per source")
    ports = [free_port() for _ in range(1 + controller)]
    fronts = "".join(f'frontend = {{ host = "127.0.0.1" port = "{port}" }}\n' for port in ports)
    user = 'user = "nobody"\ngroup = "nogroup"\n' if os.geteuid() == 0 else ""
    config = bench.write("hitch.conf", f"""
{fronts}backend = "[127.0.0.1]:{bench.backend}"
pem-file = "{bench.file(f'{tls}.both')}"
workers = 1
backlog = {BACKLOG}
tls-protos = TLSv1.2 TLSv1.3
ocsp-dir = ""
daemon = off
{user}""")
    return bench.start("Hitch", ["hitch", f"--config={config}"], *ports)


def floodgated(bench, tls=None, limit=False, controller=False, engine="io_uring", hold=None,
               gate=False, refuse_in_kernel=True):
    """`hold` and `gate`: the agent port is shut until SIGUSR1 (a [controller] section; two phases)."""
    port = free_port()
    controller_port = free_port() if controller or gate else None
    sections = [f'[agent]\nlisten = ["127.0.0.1:{port}"]\nbacklog = {BACKLOG}']
    if hold:
        sections[0] += f'\nhold = "{hold}"'
    if controller_port:
        sections.append(f'[controller]\nlisten = ["127.0.0.1:{controller_port}"]')
        sections.append('[gate]\nopen_on = ["manual"]\nopen_delay = "0s"')
    sections.append("[limits]\n" + (
        'source_rate = 0.001\nsource_burst = 10\nover_limit = "reset"\n'
        f"refuse_in_kernel = {str(refuse_in_kernel).lower()}" if limit else "source_rate = 0"))
    if tls:
        sections.append(f'[tls]\ncertificate = "{bench.file(f"{tls}.pem")}"\n'
                        f'private_key = "{bench.file(f"{tls}.key")}"')
    sections.append(f'[backend]\naddress = "127.0.0.1:{bench.backend}"')
    sections.append(f'[admin]\nlisten = "unix:{bench.file("admin.sock")}"')
    sections.append(f'[runtime]\nworkers = 1\nengine = "{engine}"')
    config = bench.write("floodgate.toml", "\n".join(sections) + "\n")
    ports_file = bench.file("ports.json")
    if os.path.exists(ports_file):
        os.remove(ports_file)
    server = bench.start(
        f"floodgate ({engine})",
        [bench.tool("src/daemon/floodgated"), "--config", config, "--ports-file", ports_file],
        port, controller_port, ready=lambda: os.path.exists(ports_file))
    if controller_port and not gate:
        server.process.send_signal(signal.SIGUSR1)
    return server


def floodgated_epoll(bench, **arguments):
    return floodgated(bench, engine="epoll", **arguments)


def haproxy_splice(bench, **arguments):
    return haproxy(bench, splice=True, **arguments)


def bare_tls(bench, tls="ecdsa"):
    """The floor: answers by itself, no backend."""
    port = free_port()
    return bench.start("bare epoll and OpenSSL",
                       [bench.tool("bench/peers/peer_bare_tls"), str(port),
                        bench.file(f"{tls}.pem"), bench.file(f"{tls}.key")], port)


# In the order of the tables' columns.
SERVERS = {
    "floodgate": floodgated,
    "floodgate (epoll)": floodgated_epoll,
    "HAProxy": haproxy,
    "HAProxy (splice)": haproxy_splice,
    "nginx": nginx,
    "Hitch": hitch,
    "bare epoll and OpenSSL": bare_tls,
}
OURS = ["floodgate", "floodgate (epoll)"]
PEERS = ["HAProxy", "nginx", "Hitch"]
