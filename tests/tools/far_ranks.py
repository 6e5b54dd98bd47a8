#!/usr/bin/env python3
"""usage: far_ranks.py [--ranks N] [--delay MS] [--rate GBIT] [--mpi openmpi|mpich] [--mpiexec FILE] -- COMMAND...

Runs COMMAND as N ranks, each in a network namespace with an address of its own, as on N machines: what they send goes
through a relay that holds each packet for the delay and lets a rank send and receive no more than the rate. (The job of
`tc qdisc add ... netem delay`, for kernels without sch_netem.) Prints the bytes at the interfaces as one line of JSON.
For root on Linux, with iproute2.
"""
import argparse
import ctypes
import fcntl
import heapq
import json
import os
import select
import struct
import subprocess
import sys
import threading
import time

MTU = 65000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
CLONE_NEWNET = 0x40000000


def run(*words):
    subprocess.run(words, check=True)


def address(rank):
    return f"10.97.0.{rank + 1}"


class Machine:
    """A namespace with one interface, the other end of which is a file of this process."""

    def __init__(self, rank):
        self.name = f"firn-{os.getpid()}-{rank}"
        run("ip", "netns", "add", self.name)
        self.file = self.open_tun()
        run("ip", "-n", self.name, "link", "set", "lo", "up")
        run("ip", "-n", self.name, "address", "add", address(rank) + "/24", "dev", "net0")
        run("ip", "-n", self.name, "link", "set", "net0", "mtu", str(MTU), "txqueuelen", "1000", "up")

    def open_tun(self):
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/self/ns/net", "rb") as own, open(f"/run/netns/{self.name}", "rb") as other:
            if libc.setns(other.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            try:
                file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
                fcntl.ioctl(file, TUNSETIFF, struct.pack("16sH22x", b"net0", IFF_TUN | IFF_NO_PI))
            finally:
                libc.setns(own.fileno(), CLONE_NEWNET)
        return file

    def count(self, what):
        words = ["ip", "netns", "exec", self.name, "cat", f"/sys/class/net/net0/statistics/{what}"]
        return int(subprocess.run(words, check=True, capture_output=True).stdout)

    def close(self):
        os.close(self.file)
        run("ip", "netns", "delete", self.name)


class Relay(threading.Thread):
    """Each packet leaves when its sender's line and its receiver's line have had time for its bytes, and the delay."""

    def __init__(self, machines, delay, rate):
        super().__init__(daemon=True)
        self.machines, self.delay, self.rate = machines, delay, rate
        self.ended = False

    def run(self):
        out = [0.0] * len(self.machines)
        into = [0.0] * len(self.machines)
        waiting, number = [], 0
        files = {machine.file: rank for rank, machine in enumerate(self.machines)}
        while not self.ended:
            now = time.monotonic()
            while waiting and waiting[0][0] <= now:
                _, _, to, packet = heapq.heappop(waiting)
                try:
                    os.write(self.machines[to].file, packet)
                except BlockingIOError:
                    pass  # TCP sends it again
                except OSError:
                    pass  # the interface is gone
            left = waiting[0][0] - time.monotonic() if waiting else 0.02
            for file in select.select(list(files), [], [], max(0, left))[0]:
                for _ in range(64):
                    try:
                        packet = os.read(file, MTU + 64)
                    except (BlockingIOError, OSError):
                        break
                    if len(packet) < 20 or packet[0] >> 4 != 4:
                        continue
                    to = packet[19] - 1
                    if packet[16:19] != bytes([10, 97, 0]) or not 0 <= to < len(self.machines):
                        continue
                    now = time.monotonic()
                    rank = files[file]
                    seconds = len(packet) / self.rate if self.rate else 0
                    out[rank] = max(out[rank], now) + seconds
                    into[to] = max(into[to], out[rank] - seconds) + seconds
                    number += 1
                    heapq.heappush(waiting, (into[to] + self.delay, number, to, packet))


def command_of(options, machines):
    """The launcher's words: each rank starts in its namespace."""
    wrap = f'exec ip netns exec firn-{os.getpid()}-$RANK "$@"'
    if options.mpi == "mpich":
        # Hydra talks to its ranks through what they inherit, so they may be anywhere. UCX, below MPICH, would find a way
        # through memory.
        words = [options.mpiexec, "-n", str(options.ranks), "sh", "-c", "RANK=$PMI_RANK; " + wrap, "sh"]
        return words + options.command, {"MPIR_CVAR_NOLOCAL": "1", "UCX_TLS": "tcp,self", "UCX_NET_DEVICES": "net0"}
    agent = f"/tmp/firn-agent-{os.getpid()}"
    with open(agent, "w") as file:
        # What ssh does, with a namespace for the machine: the last byte of its address is the rank and one.
        file.write("#!/bin/sh\nwhile [ \"${1#-}\" != \"$1\" ]; do shift; done\nhost=$1\nshift\n"
                   f"RANK=$((${{host##*.}} - 1))\nexec ip netns exec firn-{os.getpid()}-$RANK sh -c \"$*\"\n")
    os.chmod(agent, 0o755)
    hosts = ",".join(address(rank) for rank in range(options.ranks))
    words = ["ip", "netns", "exec", machines[0].name, options.mpiexec, "--allow-run-as-root", "-n", str(options.ranks),
             "--host", hosts, "--mca", "plm_rsh_agent", agent, "--mca", "orte_keep_fqdn_hostnames", "1", "--mca", "btl",
             "self,tcp", "--mca", "pml", "ob1", "--mca", "mpi_yield_when_idle", "1", "--bind-to", "none", "--mca",
             "btl_tcp_if_include", "net0", "--mca", "oob_tcp_if_include", "net0", "-x", "PATH"]
    for name in ("FIRN_MPI", "FIRN_ISA", "XDG_CACHE_HOME"):
        words += ["-x", name] if name in os.environ else []
    return words + options.command, {}


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--delay", type=float, default=0, help="milliseconds")
    parser.add_argument("--rate", type=float, default=0, help="Gbit/s; 0: as fast as it goes")
    parser.add_argument("--mpi", choices=["openmpi", "mpich"], default="mpich")
    parser.add_argument("--mpiexec", default="mpiexec")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    machines = []
    code = 1
    try:
        for rank in range(options.ranks):
            machines.append(Machine(rank))
        relay = Relay(machines, options.delay / 1e3, options.rate * 1e9 / 8)
        relay.start()
        words, variables = command_of(options, machines)
        begin = time.monotonic()
        code = subprocess.run(words, env={**os.environ, **variables}, check=False).returncode
        seconds = time.monotonic() - begin
        sent = [machine.count("tx_bytes") for machine in machines]
        print(json.dumps({"ranks": options.ranks, "delay_ms": options.delay, "gbit": options.rate,
                          "seconds": round(seconds, 3), "bytes": sum(sent), "each": sent}), file=sys.stderr)
        relay.ended = True
        relay.join()
    finally:
        for machine in machines:
            machine.close()
    return code


if __name__ == "__main__":
    sys.exit(main())
