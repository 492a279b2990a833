"""Each planted fault is found, and the remedy, pasted as it is printed, mends it."""

import time

import pytest

from tests.preflight.desk import Desk
from tests.preflight.faults import FAULTS, Fault
from tests.preflight.printed import Page, Printed

# A process that is told to end takes a moment.
MENDED_SECONDS = 20.0


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
@pytest.mark.parametrize("columns", [80])
def test_a_fault_is_found_and_its_remedy_mends_it(desk: Desk, fault: Fault, columns: int) -> None:
    """The level, the status and the command are right, and after the command nothing is left."""
    before = desk.check(columns=columns, prefix=fault.prefix)
    assert not told(before, fault)
    with fault.plant(desk):
        page = desk.check(columns=columns, prefix=fault.prefix)
        (finding,) = told(page, fault)
        assert finding.level == fault.level, page.text
        assert finding.label.startswith("this mends it"), page.text
        assert fault.command in " ".join(finding.remedy.replace("\\\n", " ").split())
        assert page.status == (1 if fault.level == "failed" else 0)
        desk.paste(finding.remedy)
        if fault.afterwards is not None:
            fault.afterwards(desk)
        after = wait_mended(desk, fault, columns)
        assert after.faults() == before.faults()
        assert any(one.level == "ok" for one in after.named(fault.healed or fault.name))


def told(page: Page, fault: Fault) -> list[Printed]:
    return [one for one in page.named(fault.name) if one.level in {"warning", "failed"}]


def wait_mended(desk: Desk, fault: Fault, columns: int) -> Page:
    deadline = time.monotonic() + MENDED_SECONDS
    while told(page := desk.check(columns=columns, prefix=fault.prefix), fault):
        assert time.monotonic() < deadline, page.text
    return page
