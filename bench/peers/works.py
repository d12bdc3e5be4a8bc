"""The work table: CPU time of the server for one connection of each kind, memory, bulk transfer.

CPU time is compared and not the rate, because on two cores the load is often the limit of the rate. It
is utime + stime of all the server's processes in nanoseconds, from /proc/PID/task/TID/schedstat.
Servers take turns within a round; the figures are medians over the rounds."""
import functools
import socket
import ssl
import time

import servers
import storms
from figures import key_of
from plan import RESTART_SECONDS, Point, median_row
from servers import OURS, PEERS, BenchError

PLAIN = OURS + ["HAProxy", "nginx"]  # Hitch speaks TLS alone
TLS = OURS + PEERS
FLOOR = ["bare epoll and OpenSSL"]
WARM_UP_ATTEMPTS = 300
IDLE_CONNECTIONS = 5000
IDLE_SECONDS_MAX = 60
STILL_SECONDS = 2      # memory that has not grown for so long has its size
BULK_GIB, QUICK_BULK_GIB = 4, 0.25
FEW = ["--agents", "64", "--concurrency", "16"]


def per_connection(arguments, attempts, tls, server, bench, quick, resumed=False, **config):
    """Microseconds of the server's CPU for a connection; the first storm warms up and does not count.
    Every attempt must end as "served", unless `config` sets a limit."""
    attempts = attempts // 10 if quick else attempts
    config = {**config, **({"tls": tls} if tls else {})}
    with servers.SERVERS[server](bench, **config) as running:
        storms.run(bench, running.port, *arguments, "--attempts", str(WARM_UP_ATTEMPTS))
        before = running.cpu_seconds()
        results = storms.run(bench, running.port, *arguments, "--attempts", str(attempts))
        running.wait_until_idle(IDLE_SECONDS_MAX)  # What is still to be done for them counts, too.
        used = running.cpu_seconds() - before
    if not config.get("limit") and results["outcomes"]["served"] != results["attempts"]:
        raise BenchError(f"{server}: not all were served: {results['outcomes']}")
    if resumed and results["handshakes"]["full"] > results["attempts"] / 100:
        raise BenchError(f"{server} resumed only {results['handshakes']['resumed']} of "
                         f"{results['attempts']} sessions")
    return used / results["attempts"] * 1e6


def memory(server, bench, quick):
    """KiB of resident memory for an idle TLS connection. The storm leaves when it has grown no more:
    waiting for a number of connections would need each server's own way to ask."""
    count = IDLE_CONNECTIONS // 10 if quick else IDLE_CONNECTIONS
    hold = 4 if quick else 12
    with servers.SERVERS[server](bench, tls="ecdsa") as running:
        storms.run(bench, running.port, "--mode", "tls", "--agents", "1", "--attempts", "100")
        before = running.resident_kib()
        arguments = ["--mode", "tls", "--agents", str(count), "--concurrency", "32", "--hold", f"{hold}s"]
        with storms.Storm(bench, running.port, [arguments]) as storm:
            peak, grew = before, storms.now()
            while storm.running() and storms.now() - grew < STILL_SECONDS:
                time.sleep(0.05)
                size = running.resident_kib()
                if size > peak:
                    peak, grew = size, storms.now()
            results = storm.results(60)
    if results["outcomes"]["served"] != count:
        raise BenchError(f"{server} served {results['outcomes']['served']} of {count}")
    return (peak - before) / count


def bulk(tls, server, bench, quick):
    """CPU seconds of the server for a GiB from the backend to one client."""
    size = int((QUICK_BULK_GIB if quick else BULK_GIB) * (1 << 30))
    with servers.SERVERS[server](bench, **({"tls": "ecdsa"} if tls else {})) as running:
        client = socket.create_connection(("127.0.0.1", running.port))
        if tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            client = context.wrap_socket(client, server_hostname="localhost",
                                         suppress_ragged_eofs=True)
        before = running.cpu_seconds()
        with client:
            client.sendall(f"GET /bulk/{size} HTTP/1.1\r\n\r\n".encode())
            buffer, received = bytearray(1 << 20), 0
            while count := client.recv_into(buffer):
                received += count
        used = running.cpu_seconds() - before
    if received < size:
        raise BenchError(f"{server}: {received} of {size} bytes came through")
    return used / (size / (1 << 30))


RESET = [*FEW, "--close-by-reset"]
HAMMER = ["--mode", "hello", "--patience", "1s", "--agents", "256", "--concurrency", "64"]
# By name: what it is, unit, how it is measured, on which servers, seconds for one server once.
WORKS = {
    "full": ("request over a new TLS 1.3 connection, full handshake, ECDSA", "us",
             functools.partial(per_connection, ["--mode", "https", *RESET], 4000, "ecdsa"),
             TLS + FLOOR, 6),
    "resumed": ("request over a new TLS 1.3 connection, resumed", "us",
                functools.partial(per_connection, ["--mode", "https-resumed", *RESET], 4000, "ecdsa",
                                  resumed=True), TLS + FLOOR, 6),
    "handshake full": ("full handshake, ECDSA, closed at once", "us",
                       functools.partial(per_connection, ["--mode", "tls", *FEW], 4000, "ecdsa"), TLS, 6),
    "handshake resumed": ("resumed handshake, closed at once", "us",
                          functools.partial(per_connection, ["--mode", "tls-resumed", *FEW], 4000,
                                            "ecdsa", resumed=True), TLS, 6),
    "plain": ("request over a new plain connection", "us",
              functools.partial(per_connection, ["--mode", "http", *RESET], 10000, None), PLAIN, 5),
    "accept": ("plain connection, closed at once by the client", "us",
               functools.partial(per_connection, ["--mode", "tcp", *FEW], 10000, None), PLAIN, 4),
    "refusal": ("connection refused by a limit per source", "us",
                functools.partial(per_connection, HAMMER, 30000, None, limit=True), PLAIN, 5),
    "refusal accepted": ("the same, floodgate without `limits.refuse_in_kernel`", "us",
                         functools.partial(per_connection, HAMMER, 30000, None, limit=True,
                                           refuse_in_kernel=False), OURS, 5),
    "memory": ("resident memory for an idle TLS connection", "KiB", memory, TLS, 22),
    "bulk": ("bulk transfer, plain", "CPU s/GiB", functools.partial(bulk, False),
             PLAIN + ["HAProxy (splice)"], 8),
    "bulk TLS": ("bulk transfer, TLS", "CPU s/GiB", functools.partial(bulk, True), TLS, 12),
}


def measure(name, options, bench, figures):
    _, unit, once, names, _ = WORKS[name]
    names = options.chosen(names)
    samples = {server: [] for server in names}
    for _ in range(options.rounds):
        for server in names:
            samples[server].append(once(server=server, bench=bench, quick=options.quick))
    return {key_of("work", name, server): {**median_row(values), "unit": unit}
            for server, values in samples.items()}


def points(options):
    return [Point(key_of("work", name),
                  (seconds + RESTART_SECONDS) * len(options.chosen(names)) * options.rounds
                  * (0.4 if options.quick else 1),
                  functools.partial(measure, name, options))
            for name, (_, _, _, names, seconds) in WORKS.items() if options.chosen(names)]
