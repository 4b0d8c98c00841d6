"""The figures that README.md quotes are those of bench/RESULTS.md."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def tables(text: str) -> list[dict[str, dict[str, str]]]:
    """Tables whose first column is `row`: for each row its cells by column."""
    found: list[dict] = []
    columns = None
    for line in text.split("\n"):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            columns = None
        elif cells[0] == "row":
            columns = cells
            found.append({})
        elif columns and set(cells[0]) != {"-"}:
            found[-1][cells[0]] = dict(zip(columns[1:], cells[1:]))
    return found


def section(text: str, title: str) -> str:
    """What stands under a heading, up to the next one of its kind."""
    _, _, rest = text.partition(f"\n## {title}\n")
    return rest.partition("\n## ")[0]


def differences(quoting: str, source: str) -> list[str]:
    """Cells of the one that the other has not, or has otherwise."""
    known = {row: cells for table in tables(source) for row, cells in table.items()}
    return [
        f"{row}, {column}: {cell}, expected {known.get(row, {}).get(column)}"
        for table in tables(quoting)
        for row, cells in table.items()
        for column, cell in cells.items()
        if known.get(row, {}).get(column) != cell
    ]


SOURCE = "# A\n\n| row | us | them |\n| --- | ---: | ---: |\n| x | 1 s | 2 s |\n| y | 3 s | 4 s |\n"


def test_differences_are_found():
    assert differences("| row | them |\n| --- | --- |\n| y | 4 s |\n", SOURCE) == []
    other = "| row | them |\n| --- | --- |\n| y | 5 s |\n| z | 1 s |\n\n| x | 9 s |\n"
    assert differences(other, SOURCE) == [
        "y, them: 5 s, expected 4 s",
        "z, them: 1 s, expected None",
    ]


def test_a_section_ends_with_the_next():
    text = f"\n## B\n\n| row | us |\n| --- | --- |\n| x | 7 s |\n\n## C\n{SOURCE}"
    assert differences("| row | us |\n| x | 7 s |", section(text, "B")) == []
    assert differences("| row | us |\n| y | 3 s |", section(text, "B")) != []
    assert differences("| row | us |\n| y | 3 s |", section(text, "C")) == []


def test_readme_quotes_the_results():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    results = (ROOT / "bench" / "RESULTS.md").read_text(encoding="utf-8")
    assert sum(map(len, tables(readme))) >= 5
    quoted = re.search(r'quoted from its section "([^"]*)"', readme.replace("\n", " "))
    assert quoted and differences(readme, section(results, quoted[1])) == []
