"""One page, one file: sections become a report that needs no network, no script and no font from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from elman import __version__
from elman.files import write_file
from elman.pages.markup import Child, Html, join, tag
from elman.pages.palette import style_variables

__all__ = ["Section", "page", "section", "write"]

# Refuses everything the page does not carry itself, whatever a data file manages to put into it.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:"
LIMIT = 3_000_000


@dataclass(frozen=True)
class Section:
    """One heading of the report and what stands under it.

    Attributes:
        title: of the heading, and of its line in the contents.
        body: markup.
    """

    title: str
    body: Html


def section(title: str, *blocks: Child, lead: Child = None) -> Section:
    """A section of `blocks`, opened by `lead`: one or two sentences that say what to see in it."""
    return Section(title, join(tag("p", lead, class_="lead") if lead else None, *blocks))


def page(title: str, subtitle: str, sections: Sequence[Section | None]) -> Html:
    """The whole document.

    Args:
        title: what was trained (``Sentiment``).
        subtitle: one line under it (model and data).
        sections: in reading order; None is left out, so that callers can write ``x and section(x)``.

    Raises:
        ValueError: the page would be larger than 3 MB.
    """
    kept = [s for s in sections if s is not None]
    slugs = _slugs([s.title for s in kept])
    contents = [tag("li", tag("a", s.title, href=f"#{slug}")) for s, slug in zip(kept, slugs)]
    body = [tag("section", tag("h2", s.title), s.body, id=slug, aria_label=s.title) for s, slug in zip(kept, slugs)]
    style = resources.files("elman.pages").joinpath("style.css").read_text(encoding="utf-8")
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("title", f"{title} \u00b7 Elman"),
        tag("style", Html(style_variables() + style)),
    )
    document = tag(
        "html",
        head,
        tag(
            "body",
            tag(
                "header",
                tag("p", "Elman \u00b7 report", class_="brand"),
                tag("h1", title),
                tag("p", subtitle, class_="subtitle"),
            ),
            tag("nav", tag("ol", contents), aria_label="Contents") if len(kept) > 1 else None,
            tag("main", body),
            tag("footer", f"Made by Elman {__version__}: one file that asks nothing of the network."),
        ),
        lang="en",
    )
    data = f"<!DOCTYPE html>\n{document}\n".encode("utf-8", "replace")  # half a surrogate is no letter
    whole, size = Html(data.decode("utf-8")), len(data)
    if size > LIMIT:
        raise ValueError(f"the report has {size:,} bytes, more than {LIMIT:,}: a section shows too much")
    return whole


def write(path: str | Path, title: str, subtitle: str, sections: Sequence[Section | None]) -> Path:
    """Write the page to `path`: whole, or not at all. Arguments and errors are those of `page`."""
    write_file(path, page(title, subtitle, sections))
    return Path(path)


def _slugs(titles: Sequence[str]) -> list[str]:
    """An anchor for each title, all different."""
    slugs: list[str] = []
    for title in titles:
        slug = stem = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "section"
        count = 1
        while slug in slugs:
            count += 1
            slug = f"{stem}-{count}"
        slugs.append(slug)
    return slugs
