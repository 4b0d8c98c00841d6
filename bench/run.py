"""A run: the medians of rows with the conditions they were measured under, kept as JSON."""

import importlib
import json
import os
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.measure import Distance, Others, Speed

DISTURBED = 0.1  # processors busy for others, from which on a row is measured again
TRIES = 3
# What holds the peers to an instruction set, when FASTNN_ISA holds fastnn to it.
AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4,AVX512_ICL,AVX512_SPR",
    "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
}


@dataclass
class Measurement:
    """A row: medians of the engines and ceilings of the same run, in `unit` an operation."""

    family: str
    row: str
    medians: dict[str, float]
    ceilings: dict[str, float]
    unit: str = "s"
    others: float = 0.0  # processors that were not to be had meanwhile, or far from the first

    @property
    def ceiling(self) -> tuple[str, float]:
        """The name and value of the bound that holds: the highest."""
        name = max(self.ceilings, key=self.ceilings.__getitem__)
        return name, self.ceilings[name]

    @property
    def share(self) -> float:
        """The ceiling divided by what fastnn takes: 1 is the best there can be."""
        return self.ceiling[1] / self.medians["fastnn"]


@dataclass
class Run:
    """Measurements under the same conditions, by family and row."""

    conditions: dict[str, str] = field(default_factory=dict)
    measurements: list[Measurement] = field(default_factory=list)

    def add(self, measurement: Measurement) -> None:
        """In place of what was measured of this row before."""
        key = measurement.family, measurement.row
        kept = [m for m in self.measurements if (m.family, m.row) != key]
        self.measurements = [*kept, measurement]

    def of(self, family: str) -> list[Measurement]:
        return [m for m in self.measurements if m.family == family]

    def find(self, family: str, row: str) -> Measurement | None:
        return next((m for m in self.of(family) if m.row == row), None)

    def save(self, file: Path) -> None:
        """As JSON, a line a row."""
        rows = [json.dumps(rounded(asdict(m))) for m in self.measurements]
        text = f'{{"conditions": {json.dumps(self.conditions)},\n"measurements": [\n'
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + ",\n".join(rows) + "\n]}\n", encoding="utf-8")


def rounded(value):
    """Four digits are more than a median holds."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    return {k: rounded(v) for k, v in value.items()} if isinstance(value, dict) else value


def load(file: Path) -> Run:
    """What `save` wrote; an empty run if there is no such file."""
    if not file.exists():
        return Run()
    content = json.loads(file.read_text(encoding="utf-8"))
    return Run(content["conditions"], [Measurement(**m) for m in content["measurements"]])


def set_threads(threads: int) -> None:
    """Every engine computes on so many processors. Before any of them is imported."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(threads)
    os.environ["FASTNN_NUM_THREADS"] = str(threads)
    if hasattr(os, "sched_setaffinity"):  # JAX counts these
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, allowed[:threads])
    if os.environ.get("FASTNN_ISA") == "avx2":
        for name, value in AVX2.items():
            os.environ.setdefault(name, value)


def conditions(threads: int) -> dict[str, str]:
    """What figures depend on, and the day."""
    import fastnn as fn

    found = []
    for package in ("fastnn", "numpy", "torch", "jax", "keras", "scikit-learn"):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            if package == "fastnn":
                found.append(f"fastnn {fn.__version__}")
    return {
        "machine": machine(),
        "instruction set": fn._core.targets()["chosen"],
        "threads": str(threads),
        "versions": ", ".join([f"Python {platform.python_version()}", *found]),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def machine(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor by its name, and how many cores of it this system has."""
    facts: dict[str, str] = {}
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").split("\n"):
            key, _, text = line.partition(":")
            facts.setdefault(key.strip(), text.strip())
    name = facts.get("model name", platform.machine())
    kind = ""
    if facts.get("vendor_id") == "AuthenticAMD":  # hosts often hide the number in the name
        kind = zen(int(facts["cpu family"]), int(facts["model"]))
    return f"{name} ({kind}{os.cpu_count()} cores)"


def zen(family: int, model: int) -> str:
    """AMD's microarchitecture by the numbers of CPUID."""
    if family == 23:
        return "Zen 2, " if model >= 0x30 else "Zen, "
    if family == 25:
        return "Zen 4, " if model >> 4 in (0x1, 0x6, 0x7, 0xA) else "Zen 3, "
    return "Zen 5, " if family == 26 else ""


def measure(
    families: Sequence[str], engines: Sequence[str], rows: Mapping[str, set] | None = None
) -> Iterator[Measurement]:
    """The rows of families, or those of them that are named, one after the other."""
    for family in families:
        for row in importlib.import_module(f"bench.families.{family}").rows():
            if rows is None or row.name in rows.get(family, ()):
                tries = (measured(family, row, engines) for _ in range(TRIES))
                yield calmest(tries)


def measured(family: str, row, engines: Sequence[str]) -> Measurement:
    """A row, and how many processors were not to be had."""
    import fastnn as fn

    threads = fn.get_num_threads()
    others, speed = Others(), Speed(fn._core.fma_ceiling, threads)
    distance = Distance(fn._core.round_trip, threads)
    medians, ceilings = row.measure(engines)
    lost = max(others.share(), speed.missing(), distance.missing())
    return Measurement(family, row.name, medians, ceilings, row.unit, lost)


def calmest(tries: Iterator[Measurement]) -> Measurement:
    """The first that nothing disturbed, or that which was disturbed least."""
    found = []
    for m in tries:
        found.append(m)
        if m.others <= DISTURBED:
            break
    return min(found, key=lambda m: m.others)
