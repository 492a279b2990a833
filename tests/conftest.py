"""What holds for every test: none passes by being skipped, and which need root."""

import fcntl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apiserver.client import ApiServer

_TESTS = Path(__file__).parent
# They make network namespaces, boxes or packages.
_NEED_ROOT = (
    *(
        "daemon",
        "faults",
        "lab",
        "packages",
        "system",
        "test_demo.py",
        "test_lab.py",
        "test_rollout.py",
    ),
    *("cli/test_need.py", "cli/test_status_lab.py", "cli/test_dead_api.py", "cli/test_trace"),
    *("cli/test_readme.py", "soak/test_short.py"),
    *("edge/test_netlink", "edge/test_desk_room", "prometheus/test_lab"),
    *("edge/test_capabilities", "edge/test_statefile_strangers"),
    *("bench/test_profile.py", "bench/test_slowdown.py"),
)
# Elsewhere, who uses the lab does.
_LAB = "lab"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs root, so that `-m "not root"` leaves what anybody can run."""
    for item in items:
        place = str(item.path.relative_to(_TESTS))
        fixtures = item.fixturenames if isinstance(item, pytest.Function) else []
        if place.startswith(_NEED_ROOT) or _LAB in fixtures:
            item.add_marker(pytest.mark.root)


@pytest.fixture(scope="module")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """An API server on loopback."""
    with ApiServer(tmp_path_factory.mktemp("api")) as started:
        yield started


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder with the deb and the rpm, each made alone, once for all workers of pytest-xdist."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    folder = shared / "built-packages"
    with (shared / "built-packages.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            command = ["make", "--no-print-directory", "deb", "rpm", f"DIST={folder}"]
            subprocess.run(command, cwd=_TESTS.parent, check=True)
    return folder


@pytest.fixture(scope="session")
def deb(packages: Path) -> Path:
    (found,) = packages.glob("*.deb")
    return found


@pytest.fixture(scope="session")
def rpm(packages: Path) -> Path:
    (found,) = packages.glob("*.rpm")
    return found


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A skipped test is a failed run: it needs what the set-up was to install."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    assert reporter is not None
    skipped = reporter.stats.get("skipped", [])
    if skipped and session.exitstatus == pytest.ExitCode.OK:
        reporter.write_line(f"\n{len(skipped)} tests were skipped, which counts as failed")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """What is told may hold half a pair of surrogates, which no worker can send."""
    report.sections = [
        (title, text.encode(errors="backslashreplace").decode()) for title, text in report.sections
    ]
