"""The sample configuration: the table of settings, shown to a person.

Owns its form.
"""

import textwrap

from pokepodsd.core.settings import SECTIONS, SETTINGS, Setting
from pokepodsd.core.values import shown


def sample() -> str:
    """The commented sample configuration: every setting, its default and the reason for it."""
    blocks = [
        "# pokepodsd.toml: the settings of pokepodsd, with their defaults.\n"
        "# A line that stays commented out means the default. After a change:\n"
        "#   pokepodsd check-config && systemctl reload pokepodsd\n"
    ]
    for section in SECTIONS:
        blocks.append(f"[{section}]")
        for setting in SETTINGS:
            if setting.section == section:
                blocks.append(_sample_of(setting))
    return "\n".join(blocks)


def _sample_of(setting: Setting) -> str:
    limits = ""
    if setting.choices:
        limits = " One of: " + ", ".join(setting.choices) + "."
    elif setting.least is not None and setting.most is not None:
        limits = f" From {shown(setting, setting.least)} to {shown(setting, setting.most)}."
    return f"{_comment(setting.help + limits)}\n{_comment(setting.reason)}\n" + (
        f"#{setting.name} = {shown(setting, setting.default)}\n"
    )


def _comment(text: str) -> str:
    return textwrap.fill(text, 79, initial_indent="# ", subsequent_indent="# ")
