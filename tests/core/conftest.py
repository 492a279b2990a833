"""Owns how hypothesis runs here: reproducibly, and without a clock."""

from hypothesis import Phase, settings

settings.register_profile("core", deadline=None, derandomize=True, max_examples=100)
# For who runs every test often, or under a tracer: it looks for no smaller example.
settings.register_profile(
    "few",
    settings.get_profile("core"),
    max_examples=25,
    phases=(Phase.explicit, Phase.generate),
    report_multiple_bugs=False,
    print_blob=False,
)
settings.load_profile("core")
