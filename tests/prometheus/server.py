"""Owns one running Prometheus, and asking its HTTP API. Knows nothing of pokepodsd's rules.

It is a process of the test's own, with a scratch folder for its data, on loopback: that of this
host, or of a place in the lab.
"""

import http.client
import json
import time
import urllib.parse
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from tests.lab import LabTimeoutError, Place, Process

INTERVAL = "500ms"
# It answers a question about its rules only by being asked.
POLL_SECONDS = 0.1
READY_SECONDS = 30.0

Labels = Mapping[str, str]


class PrometheusError(AssertionError):
    """Prometheus refused a question."""


class Prometheus:
    """A context manager: Prometheus on these targets and rules, ready to be asked."""

    def __init__(
        self,
        folder: Path,
        targets: Mapping[str, Sequence[str]],
        *,
        rules: Path | None = None,
        place: Place | None = None,
        interval: str = INTERVAL,
        has_native_histograms: bool = True,
    ) -> None:
        """Plan it. ``targets`` are addresses with ports, by the name of the scrape job."""
        self._folder = folder
        self._place = place
        self._has_native_histograms = has_native_histograms
        self._config = {
            "global": {
                "scrape_interval": interval,
                "scrape_timeout": interval,
                "evaluation_interval": interval,
            },
            "rule_files": [str(rules)] if rules is not None else [],
            "scrape_configs": [
                {"job_name": job, "static_configs": [{"targets": list(addresses)}]}
                for job, addresses in targets.items()
            ],
        }
        self._process: Process | None = None
        self._address = ("", 0)

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        config = self._folder / "prometheus.yml"
        config.write_text(yaml.safe_dump(self._config), encoding="utf-8")
        argv = self._command(config)
        self._process = Process(argv if self._place is None else self._place.command(*argv))
        try:
            found = self._process.wait_for_line(
                r'"Listening on" address=(\S+):(\d+)', READY_SECONDS
            )
            self._address = (found[1], int(found[2]))
            self.wait(lambda: self._get("/-/ready")[0] == 200, READY_SECONDS, "it is not ready")
        except BaseException:
            self._process.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process is not None
        self._process.close()

    @property
    def url(self) -> str:
        """Where it is asked, from the place that it runs in."""
        host, port = self._address
        return f"http://{host}:{port}"

    def query(self, expression: str) -> list[tuple[Labels, float]]:
        """What an expression is now; native histograms count as their number of observations.

        Raises:
            PrometheusError: it is no expression, or its evaluation failed.
        """
        found = self._ask("/api/v1/query", query=expression)
        if found["resultType"] == "scalar":
            return [({}, float(found["result"][1]))]
        return [(one["metric"], _number(one)) for one in found["result"]]

    def value(self, expression: str, timeout_seconds: float = 30.0) -> float:
        """The one value of an expression, once it has a result."""
        found: list[tuple[Labels, float]] = []

        def has_come() -> bool:
            found[:] = self.query(expression)
            return bool(found)

        self.wait(has_come, timeout_seconds, expression)
        ((_, value),) = found
        return value

    def series(self, matcher: str) -> list[Labels]:
        """The labels of all series, with their names."""
        found: list[Labels] = self._ask("/api/v1/series", **{"match[]": matcher})
        return found

    def firing(self) -> list[Labels]:
        """The labels of every alert that fires."""
        found = self._ask("/api/v1/alerts")["alerts"]
        return [alert["labels"] for alert in found if alert["state"] == "firing"]

    def texts(self, name: str) -> list[Labels]:
        """The annotations of the alerts with this name that fire."""
        found = self._ask("/api/v1/alerts")["alerts"]
        return [
            alert["annotations"]
            for alert in found
            if (alert["labels"]["alertname"], alert["state"]) == (name, "firing")
        ]

    def failed_rules(self) -> list[str]:
        """Rules whose last evaluation failed, each with why."""
        groups = self._ask("/api/v1/rules")["groups"]
        rules = (rule for group in groups for rule in group["rules"])
        return [f"{rule['name']}: {rule['lastError']}" for rule in rules if rule.get("lastError")]

    def wait(self, is_so: Callable[[], bool], timeout_seconds: float, otherwise: str) -> None:
        """Wait for something that only asking tells."""
        deadline = time.monotonic() + timeout_seconds
        while not is_so():
            if time.monotonic() > deadline:
                raise LabTimeoutError(f"not within {timeout_seconds:g} s: {otherwise}")
            time.sleep(POLL_SECONDS)

    def wait_query(self, expression: str, timeout_seconds: float = 30.0) -> None:
        """Wait until an expression has a result."""
        self.wait(lambda: bool(self.query(expression)), timeout_seconds, expression)

    def wait_firing(self, wanted: Iterable[Labels], timeout_seconds: float = 60.0) -> None:
        """Wait until the alerts that fire are these, with these labels among theirs, and no more.

        Raises:
            LabTimeoutError: others did; they are in the message.
        """
        expected = list(wanted)
        deadline = time.monotonic() + timeout_seconds
        while not _are_same(found := self.firing(), expected):
            if time.monotonic() > deadline:
                said = json.dumps(found, indent=1)
                raise LabTimeoutError(f"{expected} do not fire alone, but {said}")
            time.sleep(POLL_SECONDS)
        assert self.failed_rules() == []

    def _command(self, config: Path) -> list[str]:
        argv = [
            *("nice", "prometheus", f"--config.file={config}"),
            f"--storage.tsdb.path={self._folder / 'data'}",
            "--web.listen-address=127.0.0.1:0",
        ]
        if self._has_native_histograms:
            argv.append("--enable-feature=native-histograms")
        return argv

    def _ask(self, path: str, **parameters: str) -> Any:
        status, body = self._get(f"{path}?{urllib.parse.urlencode(parameters)}")
        answer = json.loads(body)
        if status != 200:
            raise PrometheusError(f"{parameters}: {answer['error']}")
        return answer["data"]

    def _get(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(*self._address, timeout=30.0)
        with self._inside():
            connection.connect()
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def _inside(self) -> AbstractContextManager[None]:
        return nullcontext() if self._place is None else self._place.inside()


def _number(result: Mapping[str, Any]) -> float:
    return float(result["value"][1] if "value" in result else result["histogram"][1]["count"])


def _are_same(found: Sequence[Labels], wanted: Sequence[Labels]) -> bool:
    if len(found) != len(wanted):
        return False
    return all(any(one.items() >= labels.items() for one in found) for labels in wanted)
