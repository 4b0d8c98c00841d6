"""Opens every page of a book in a headless browser and says what is wrong with it.

    fastnn book --out FOLDER --quick && python tools/check_book.py FOLDER

Checked from file:// at the width of a phone and of a desk: no picture is missing, nothing sticks
out of the page, no link to another page leads nowhere, no script and no address of the network is
needed; and that it prints. Needs Chromium (apt install chromium). Pictures of the pages and one
PDF go to FOLDER/check.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

WIDTHS = (390, 1200)
PROBE = """<script>
onload = () => {
  const broken = [...document.images].filter(i => !i.naturalWidth).map(i => i.src);
  document.body.dataset.probe = JSON.stringify(
    [document.documentElement.scrollWidth - innerWidth, broken]);
};
</script>"""


def browser() -> str:
    """The path of a Chromium."""
    for name in ("chromium", "chromium-browser", "google-chrome", "chrome"):
        if shutil.which(name):
            return name
    raise SystemExit("check_book: no Chromium here (apt install chromium)")


def run(*arguments: str) -> str:
    """What the browser prints."""
    command = [browser(), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=120)
    return done.stdout


def faults(page: Path, shots: Path) -> list[str]:
    """What is wrong with a page."""
    html = page.read_text(encoding="utf-8")
    found = []
    if re.search(r"<script|(src|href)=\"(https?:)?//", html):
        found.append("needs a script or the network")
    for link in re.findall(r'href="([^"#]+)"', html):
        if not (page.parent / link).exists():
            found.append(f"links to {link}, which is not there")
    probed = page.with_name(f".probe-{page.name}")
    probed.write_text(html.replace("</body>", PROBE + "</body>"), encoding="utf-8")
    try:
        for width in WIDTHS:
            size = f"--window-size={width},1400"
            dom = run(size, "--virtual-time-budget=3000", "--dump-dom", probed.resolve().as_uri())
            match = re.search(r'data-probe="\[(-?\d+),(\[.*?\])\]"', dom.replace("&quot;", "'"))
            if match is None:
                found.append(f"{width} pixels: the browser shows nothing")
            elif int(match[1]) > 0:
                found.append(f"{width} pixels: sticks out by {match[1]}")
            elif match[2] != "[]":
                found.append(f"{width} pixels: pictures are missing: {match[2]}")
            run(size, f"--screenshot={shots / f'{page.stem}-{width}.png'}", page.resolve().as_uri())
    finally:
        probed.unlink()
    return found


def main() -> int:
    """Checks all pages of the folder; the exit status is 1 if one has a fault."""
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    folder = Path(sys.argv[1])
    shots = (folder / "check").resolve()
    shots.mkdir(exist_ok=True)
    pages = sorted(folder.glob("[!.]*.html"))
    wrong = {page.name: faults(page, shots) for page in pages}
    pdf = shots / "index.pdf"
    run(f"--print-to-pdf={pdf}", (folder / "index.html").resolve().as_uri())
    if not pdf.exists() or not pdf.read_bytes().startswith(b"%PDF"):
        wrong["index.html"].append("does not print")
    for name, found in wrong.items():
        print(f"{name}: {'; '.join(found) or 'fine'}")
    return int(not pages or any(wrong.values()))


if __name__ == "__main__":
    raise SystemExit(main())
