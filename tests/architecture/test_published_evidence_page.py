"""docs/published-evidence.md shows every published effect as the package has it.

`python tests/architecture/test_published_evidence_page.py` writes the page again.
"""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path

from churnsim.evidence import published, published_belief

PAGE = Path(__file__).parents[2] / "docs" / "published-evidence.md"
HEAD = """# Published evidence

What has been measured elsewhere on the numbers of a market. `churnsim.evidence.published()` gives these effects as
records, and `published_belief(address)` what they say together of one number in a firm of which nothing is known:

```python
from churnsim.evidence import published_belief

belief = published_belief("referral.rate_per_year")
print(belief.value, belief.low, belief.high, belief.status)
```

Effects of one study count once. Three studies or more are pooled with random effects, and the belief is the interval
for a new setting; with fewer, how much settings differ is taken from a half-normal law (0.5 on the scale of logarithms
or logits, 1 where the study is of what people said). The scale of spending on prospects is in multiples of what the
firm spends now.

## Beliefs that follow

| number | value | 90% interval | status | from |
|---|---|---|---|---|
"""
EFFECTS = """
## The effects

Citation: *confirmed* where reference and figure were seen in the work or its abstract, *excerpt* where the figure was
seen quoted by others, *memory* where it was not seen. Use: an *estimate* goes into a belief, a *check* is a figure to
hold results against, a *direction* is a sign without a size that could be seen.

| effect | size | n | bears on | use |
|---|---|---|---|---|
"""


def page() -> str:
    lines = [HEAD.rstrip("\n")]
    for address in sorted({name for effect in published() if effect.transform for name in effect.informs}):
        belief = published_belief(address)
        interval = f"{belief.low:.2g} to {belief.high:.2g}"
        lines.append(f"| `{address}` | {belief.value:.2g} | {interval} | {belief.status} | {belief.source} |")
    lines.append(EFFECTS.rstrip("\n"))
    for effect in published():
        n = f"{effect.n:,}" if effect.n else ""
        numbers = ", ".join(f"`{name}`" for name in effect.informs)
        transform = f" ({effect.transform})" if effect.transform else ""
        note = f" {effect.note}" if effect.note else ""
        lines.append(f"| {effect.what}.{note} | {effect.shown} | {n} | {numbers} | {effect.use}{transform} |")
    lines += ["", "## The works", "", "| work | design | setting | citation |", "|---|---|---|---|"]
    for _, group in groupby(published(), key=lambda effect: (effect.reference, effect.setting)):
        effect = next(group)
        lines.append(f"| {effect.reference} | {effect.design} | {effect.setting} | {effect.citation} |")
    return "\n".join(lines) + "\n"


def test_the_page_is_what_the_package_has():
    assert PAGE.read_text(encoding="utf-8") == page(), f"write it again: python {Path(__file__).name}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE}\n")
