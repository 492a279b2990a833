"""`python -m tests.bench.multiping ADDRESSES [RATE]`: icmplib, as one would use it for many pods.

Owns the peer's program: all addresses of a file once, or on and on at so many a second. Each second
it pings a second's worth at once, so that what it starts anew is started as seldom as may be.
"""

import sys
import time
from pathlib import Path

from icmplib import multiping


def main(file: str, rate: str = "") -> None:
    addresses = Path(file).read_text(encoding="utf-8").split()
    if not rate:
        hosts = multiping(addresses, count=1, interval=0, timeout=1, privileged=False)
        print(sum(host.is_alive for host in hosts), "of", len(hosts))
        return
    number, begin = int(rate), time.monotonic()
    second = 0
    while True:
        first = second * number % len(addresses)
        part = (addresses + addresses)[first : first + number]
        multiping(part, count=1, interval=0, timeout=1, privileged=False)
        second += 1
        time.sleep(max(0.0, begin + second - time.monotonic()))


if __name__ == "__main__":
    main(*sys.argv[1:])
