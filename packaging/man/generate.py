"""Writes pokepodsd.toml(5) from the table of settings: `make manual`.

Owns the page's words around the table. What a setting is, its default, its limits and its reason
are the table's; how a value is written is the sample's.
"""

import re
import sys
import textwrap
from collections.abc import Iterator

from pokepodsd.core.settings import SECTIONS, SETTINGS, Kind, Setting
from pokepodsd.core.values import shown

# The date and the system are filled in with those of the release, by packaging/build/stage.py.
_HEAD = r"""
.\" Made by packaging/man/generate.py from pokepodsd/core/settings.py: make manual
.Dd November 24, 2026
.Dt POKEPODSD.TOML 5
.Os
.Sh NAME
.Nm pokepodsd.toml
.Nd settings of pokepodsd
.Sh SYNOPSIS
.Pa /etc/pokepodsd.toml
.Sh DESCRIPTION
The file holds the settings of
.Xr pokepodsd 8 ,
in TOML.
Every setting has a default, and none needs to be there;
a file that does not exist means the defaults.
The sample that is installed names every setting, each commented out.
.Pp
Each setting is also an option of the command line, which goes before the file:
.Va interval
of the table
.Li [poke]
is
.Fl \-poke\-interval .
There a text has no quotes, and a list has commas:
.Fl \-kubernetes\-exclude\-namespaces Ar kube-system,monitoring .
.Pp
After a change:
.Bd -literal -offset indent
pokepodsd check-config && systemctl reload pokepodsd
.Ed
.Pp
.Cm check-config
tells every mistake at once, each with its line.
A file that is not valid leaves the running configuration in force,
and the daemon says so in the journal.
An unknown table or key is a mistake too.
.Ss Kinds of values
.Bl -tag -width "a duration"
"""
_KINDS = (
    ("a text", 'in quotes, for example "auto"'),
    ("a choice", "one of the listed words, in quotes"),
    ("a boolean", "true or false, without quotes"),
    ("a number", "a whole number, without quotes"),
    ("a duration", 'in quotes, a number with its unit: "500ms", "5s", "1m30s", "1h"'),
    ("a list", 'of texts, for example ["kube-system"]'),
)
_KIND_NAMES = {
    Kind.TEXT: "a text",
    Kind.CHOICE: "a choice",
    Kind.BOOLEAN: "a boolean",
    Kind.INTEGER: "a number",
    Kind.DURATION: "a duration",
    Kind.TEXT_LIST: "a list",
}
_WIDTH = 78
# What the table cannot say of one setting alone.
_NOTES = {
    "poke": "A timeout that is longer than an interval is a mistake, and so are a rate and a "
    "timeout that let more than 32768 pokes be on their way at once.",
}
_TAIL = r"""
.Sh WHEN A SETTING TAKES EFFECT
At the start, and with
.Cm systemctl reload pokepodsd ;
.Va poke.socket
and
.Va state.directory
at the next start only, which the journal's entry about the reload says.
A changed
.Li [kubernetes]
table has the pods read anew.
.Sh FILES
.Bl -tag -width Ds -compact
.It Pa /etc/pokepodsd.toml
the settings;
.Fl \-config
names another file
.El
.Sh EXAMPLES
Only the tunnels, without a look at pods, each every 10 seconds:
.Bd -literal -offset indent
[tunnels]
interval = "10s"

[pods]
scope = "none"
.Ed
.Pp
The pods of two namespaces, with a kubeconfig of its own:
.Bd -literal -offset indent
[kubernetes]
kubeconfig = "/etc/pokepodsd/kubeconfig"
node_name = "node-a"
include_namespaces = ["shop", "billing"]
.Ed
.Sh SEE ALSO
.Xr pokepodsd 8
.Pp
.Pa /usr/share/doc/pokepodsd/operations.md
"""


def page() -> str:
    """The whole page, in mdoc(7)."""
    return "\n".join([_HEAD.strip(), *_kinds(), *_tables(), _TAIL.strip()]) + "\n"


def _kinds() -> Iterator[str]:
    for name, how in _KINDS:
        yield f".It {name}"
        yield from _sentences(how)
    yield ".El"


def _tables() -> Iterator[str]:
    yield ".Sh SETTINGS"
    for section in SECTIONS:
        yield f".Ss [{section}]"
        if section in _NOTES:
            yield from _sentences(_NOTES[section])
        yield ".Bl -tag -width Ds"
        for setting in SETTINGS:
            if setting.section == section:
                yield from _setting(setting)
        yield ".El"


def _setting(setting: Setting) -> Iterator[str]:
    yield f".It Va {setting.name}"
    yield from _sentences(setting.help)
    yield ".br"
    yield from _sentences(f"{_value(setting)}.")
    yield ".br"
    yield from _sentences(f"Why: {setting.reason}")


def _value(setting: Setting) -> str:
    kind = _KIND_NAMES[setting.kind].capitalize()
    if setting.choices:
        kind += " of " + ", ".join(f'"{choice}"' for choice in setting.choices)
    elif setting.least is not None and setting.most is not None:
        kind += f" from {shown(setting, setting.least)} to {shown(setting, setting.most)}"
    elif setting.pattern and "," in setting.wanted:
        kind += f": {setting.wanted}"
    return f"{kind}. Default: {shown(setting, setting.default)}"


def _sentences(text: str) -> Iterator[str]:
    """A line for each, as mdoc(7) wants it; nothing in it is taken for a macro."""
    for sentence in re.split(r"(?<=[.;:]) ", text):
        for line in textwrap.wrap(sentence, _WIDTH, break_on_hyphens=False):
            text = line.replace("\\", r"\e").replace("`", r"\(ga")
            yield rf"\&{text}" if text.startswith((".", "'")) else text


if __name__ == "__main__":
    sys.stdout.write(page())
