"""Owns the page where a node's listener tells its status."""

import json
from typing import Any

from tests.webstandin import Answer, Asked, WebStandIn


class StatusPage(WebStandIn):
    """The listener's /status; any other path is not found. ``asked`` are the paths."""

    def __init__(self, document: Any) -> None:
        super().__init__(self._respond)
        self.asked: list[str] = []
        self._body = json.dumps(document).encode()

    def _respond(self, asked: Asked) -> Answer:
        self.asked.append(asked.path)
        is_there = asked.path.partition("?")[0] == "/status"
        return Answer(status=200 if is_there else 404, body=self._body)
