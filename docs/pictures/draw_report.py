"""Draws report.png for the README from a real report: `python docs/pictures/draw_report.py runs/sentiment/report.html`.

Left, in light, its first sections; right, in dark, its sentences. Needs Chromium.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

WIDTH, HEIGHT = 860, 1290  # of each half, in CSS pixels
# colour scheme (1 light, 0 dark): what of the page is left out
HALVES = {
    1: "nav,section:not(#result,#training)",
    0: "header,nav,footer,section:not(#sentences),details,.cards>li:nth-child(n+4)",
}


def shoot(page: str, scheme: int, folder: Path) -> Image.Image:
    """The page as a reader with this colour scheme sees it, some of it hidden."""
    source, target = folder / f"{scheme}.html", folder / f"{scheme}.png"
    rules = f"{HALVES[scheme]}{{display:none!important}}section{{margin-top:0!important;border:0!important}}"
    source.write_text(page.replace("</head>", f"<style>{rules}</style></head>"), encoding="utf-8")
    browser = shutil.which("chromium") or shutil.which("google-chrome") or "chromium-browser"
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=2"]
    flags += [f"--blink-settings=preferredColorScheme={scheme}", f"--window-size={WIDTH},{HEIGHT}"]
    subprocess.run([browser, *flags, f"--screenshot={target}", source.as_uri()], check=True, capture_output=True)
    return Image.open(target).convert("RGB")


def main(report: str) -> None:
    page = Path(report).read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        halves = [shoot(page, scheme, Path(name)) for scheme in HALVES]
    whole = Image.new("RGB", (sum(h.width for h in halves), halves[0].height))
    for i, half in enumerate(halves):
        whole.paste(half, (i * half.width, 0))
    small = whole.resize((WIDTH * 2, HEIGHT), Image.Resampling.LANCZOS)
    small.quantize(256, kmeans=2, dither=Image.Dither.NONE).save(Path(__file__).with_name("report.png"), optimize=True)


if __name__ == "__main__":
    main(sys.argv[1])
