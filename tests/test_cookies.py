"""Checks what a reply is known by."""

from pokepodsd.exchange import draw_cookie


def test_no_two_cookies_are_alike() -> None:
    """Each is 64 bits of the kernel's chance, of which each bit is set in half of them."""
    drawn = [draw_cookie() for _ in range(4_000)]
    assert len(set(drawn)) == len(drawn)
    for bit in range(64):
        assert 1_500 < sum(one >> bit & 1 for one in drawn) < 2_500
