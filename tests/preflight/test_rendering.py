"""Lines on a terminal: folded to its width, and commands that stay what they are."""

import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.preflight.finding import Finding, Level, Place, Topic
from pokepodsd.view.check import fold_command, render_finding, render_summary

TOPIC = Topic(check="a-check", name="a check")
FINDINGS = (
    TOPIC.ok("well"),
    TOPIC.warning("not so well", "true", Place.CLUSTER),
    TOPIC.warning("not well", "true"),
    TOPIC.failed("not well at all", "true", Place.ELSEWHERE),
    TOPIC.skipped("it is for root", "sudo pokepodsd check"),
)
WORDS = st.lists(
    st.text(st.sampled_from("abc=/ \"'$*"), max_size=30).map(shlex.quote), min_size=1, max_size=12
)


@pytest.mark.parametrize("finding", FINDINGS)
@pytest.mark.parametrize("width", [80, 160])
def test_a_finding_says_what_and_what_to_do(finding: Finding, width: int) -> None:
    """The level first, in words; what is not ok has its command in a line of its own."""
    text = render_finding(finding, width=width, has_colour=False)
    head, *rest = text.splitlines()
    assert head.startswith(f"{finding.level.value:<9}a check: ")
    assert len(rest) == (0 if finding.level is Level.OK else 2)
    assert all(len(line) <= width for line in text.splitlines())
    if finding.remedy is not None:
        assert rest[1].strip() == finding.remedy.command


def test_colour_adds_nothing_that_words_do_not_say() -> None:
    """Without it the text is the same."""
    for finding in FINDINGS:
        plain = render_finding(finding, width=80, has_colour=False)
        coloured = render_finding(finding, width=80, has_colour=True)
        before, _, rest = coloured.partition("m")
        word, _, after = rest.partition("\x1b[0m")
        assert before.startswith("\x1b[")
        assert word + after == plain


def test_a_hostile_name_moves_no_cursor() -> None:
    """What comes from outside is escaped, in a command as well."""
    finding = TOPIC.about("\x1b[2J").failed("of \x1b[31mred", "ip link set dev '\x1b[2J' up")
    text = render_finding(finding, width=80, has_colour=False)
    assert "\x1b" not in text


def test_the_summary_counts_each_level() -> None:
    """In one line, with what is not well by its name; what there is none of is left out."""
    told = "1 ok, 2 warnings (a check, a check), 1 failed (a check), 1 skipped"
    assert render_summary(FINDINGS) == told
    assert render_summary(FINDINGS[:2]) == "1 ok, 1 warning (a check)"
    assert render_summary([FINDINGS[3]] * 4) == "4 failed (a check, a check, a check, ...)"


@given(words=WORDS, width=st.integers(20, 160))
def test_a_folded_command_is_the_same_command(words: list[str], width: int) -> None:
    """Whatever is quoted in it, and however narrow the terminal."""
    command = " ".join(words)
    folded = "\n".join(fold_command(command, width=width, indent=11))
    assert shlex.split(folded.replace("\\\n", " ")) == shlex.split(command)
    for line in folded.splitlines():
        assert len(line) <= width or len(shlex.split(line.removesuffix("\\"))) <= 1


def test_a_shell_takes_a_folded_command_for_one() -> None:
    """As pasted: with its indentation, quotes and continued lines."""
    command = "printf '%s\\n' '[Service]' 'a=b  c' \"d e\" && printf '%s\\n' last of all the words"
    expected = subprocess.run(["bash", "-c", command], capture_output=True, check=True).stdout
    for width in (20, 40, 80):
        folded = "\n".join(fold_command(command, width=width, indent=11))
        done = subprocess.run(["bash", "-c", folded], capture_output=True, check=True)
        assert done.stdout == expected
