"""Checks the way to the API server: its name, a connection, TLS, an answer, its clock.

Owns the time that all of it may take. What keeps an answer away is mostly not on this host: the
remedies say so, and show more. Imported late, as `credentials` is.
"""

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from pokepodsd.core.protocol import Ask, Timings
from pokepodsd.edge import reach
from pokepodsd.edge.apiserver import Answer, ApiServer
from pokepodsd.edge.clock import monotonic_ns
from pokepodsd.edge.journal import escape
from pokepodsd.errors import ApiError, GarbledError, SilentError
from pokepodsd.preflight.clock import SET_CLOCK
from pokepodsd.preflight.credentials import Credentials
from pokepodsd.preflight.finding import Finding, Place, Topic
from pokepodsd.preflight.waiting import within

NAME = Topic(check="api-name", name="API server's name")
CONNECTION = Topic(check="api-connection", name="API server's port")
TLS = Topic(check="api-tls", name="API server's TLS")
ANSWER = Topic(check="api-answer", name="API server's answer")
CLOCK = Topic(check="api-clock", name="API server's clock")
BUDGET_SECONDS = 10.0
# What one step may take of it.
_STEP_SECONDS = 4.0
# Tokens and leases are judged with some seconds to spare; a Date header has no fractions.
_MOST_APART_SECONDS = 10.0
_HTTPS_PORT = 443


class Api:
    """The API server that the credentials name."""

    def __init__(self, credentials: Credentials, *, wall_ns: Callable[[], int]) -> None:
        self._credentials = credentials
        self._wall_ns = wall_ns
        self._until = monotonic_ns() + int(BUDGET_SECONDS * 1e9)
        self._address = ""
        self._addresses: list[str] = []
        self._apart_seconds: float | None = None

    def left(self) -> float:
        """How many seconds the next step may take.

        Raises:
            SilentError: all of the time is over.
        """
        seconds = (self._until - monotonic_ns()) / 1e9
        if seconds <= 0:
            raise SilentError(f"the {BUDGET_SECONDS:.0f} s for the API server are over")
        return min(seconds, _STEP_SECONDS)

    def check_name(self) -> Iterator[Finding]:
        """Whether the server's name has an address."""
        host, port = self._place()
        try:
            self._addresses = within(self.left(), lambda: reach.resolve(host, port))
        except (ApiError, TimeoutError) as error:
            text = f"{host} has no address: {error}"
            yield NAME.failed(text, shlex.join(["getent", "ahosts", host]), Place.ELSEWHERE)
            return
        yield NAME.ok(", ".join(self._addresses) if self._addresses != [host] else host)

    def check_connection(self) -> Iterator[Finding]:
        """Whether its port takes a connection."""
        _, port = self._place()
        try:
            self._address = reach.connect(self._addresses, port, seconds=self.left())
        except ApiError as error:
            text = (
                f"port {port} takes no connection ({error}): it is down, or a firewall is between; "
                "the tunnels do without it"
            )
            yield CONNECTION.failed(text, self._curl(), Place.ELSEWHERE)
            return
        yield CONNECTION.ok(f"{self._address} takes connections at port {port}")

    def check_tls(self) -> Iterator[Finding]:
        """Whether its certificate is of the authority that the kubeconfig names."""
        (host, port), configuration = self._place(), self._credentials.loaded()
        name = getattr(configuration, "tls_server_name", None) or host
        try:
            version = reach.handshake(
                self._address,
                port,
                name=name,
                authority=configuration.ssl_ca_cert,
                is_verified=configuration.verify_ssl,
                seconds=self.left(),
            )
        except ApiError as error:
            text = f"its certificate is not trusted by the kubeconfig's authority: {error}"
            peer = shlex.quote(f"{self._address}:{port}")
            command = f"openssl s_client -connect {peer} -showcerts < /dev/null"
            yield TLS.failed(text, command, Place.ELSEWHERE)
            return
        checked = "" if configuration.verify_ssl else ", not verified: the kubeconfig says so"
        yield TLS.ok(f"{version}{checked}")

    def check_answer(self) -> Iterator[Finding]:
        """Whether it knows whose credentials these are."""
        try:
            status, _ = self._post(_own_review())
        except ApiError as error:
            yield ANSWER.failed(f"it does not answer: {error}", self._curl(), Place.ELSEWHERE)
            return
        if status == 401:
            text = "it does not accept these credentials (401)"
            yield ANSWER.failed(text, "journalctl -u kubelet -n 20 --no-pager", Place.ELSEWHERE)
        elif status != 201:
            yield ANSWER.failed(f"it answers with status {status}", self._curl(), Place.ELSEWHERE)
        else:
            yield ANSWER.ok(f"{self._url()} answers, and accepts these credentials")

    def check_clock(self) -> Iterator[Finding]:
        """Whether its clock and this host's agree."""
        apart = self._apart_seconds
        if apart is None:
            yield CLOCK.skipped("its answer has no date")
        elif abs(apart) > _MOST_APART_SECONDS:
            side = "ahead of" if apart > 0 else "behind"
            text = f"this host's clock is {abs(apart):.0f} s {side} the API server's"
            yield CLOCK.warning(text, SET_CLOCK)
        else:
            yield CLOCK.ok(f"no more than {abs(apart) + 0.5:.0f} s from this host's")

    def may(self, **attributes: str) -> bool:
        """Whether these credentials have a right (SelfSubjectAccessReview).

        Raises:
            ApiError: there is no answer to that.
        """
        status, body = self._post(attributes)
        if status != 201:
            raise GarbledError(f"the API server does not say (status {status})")
        return bool(_object(_object(body).get("status")).get("allowed"))

    def can_list(self, field_selector: str) -> tuple[bool, str]:
        """Whether pods by this selector can be listed, and the server's words if not.

        Raises:
            ApiError: there is no answer to that.
        """
        seconds = self.left()
        server = ApiServer(self._credentials.loaded(), Timings(connect=seconds, answer=seconds))
        ask = Ask(parameters={"limit": "1", "fieldSelector": field_selector}, is_watch=False)
        try:
            with server.ask(ask) as answer:
                body = _parse(answer)
                return answer.is_ok, escape(str(_object(body).get("message", "")))[:200]
        finally:
            server.close()

    def _post(self, attributes: Mapping[str, str]) -> tuple[int, object]:
        seconds = self.left()
        server = ApiServer(self._credentials.loaded(), Timings())
        try:
            with server.review(attributes, patience=seconds) as answer:
                if answer.date is not None and self._apart_seconds is None:
                    # It is on average half a second later than what the header says.
                    self._apart_seconds = self._wall_ns() / 1e9 - answer.date - 0.5
                return answer.status, _parse(answer)
        finally:
            server.close()

    def _url(self) -> str:
        return str(self._credentials.loaded().host)

    def _place(self) -> tuple[str, int]:
        parts = urlsplit(self._url())
        return parts.hostname or "", parts.port or _HTTPS_PORT

    def _curl(self) -> str:
        return shlex.join(["curl", "-vk", "--max-time", "5", f"{self._url()}/livez"])


def _own_review() -> dict[str, str]:
    return {"verb": "list", "resource": "pods"}


def _parse(answer: Answer) -> object:
    """The body, where it is JSON; a proxy's page is not."""
    try:
        parsed: Any = json.loads(answer.body())
    except ValueError:
        return None
    return parsed


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
