"""The ``fastnn`` command: list, run and copy recipes; show what this machine runs."""

import argparse
import shutil
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastnn.messages import shown


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status.

    0 fine, 1 failed, 2 bad usage, 130 interrupted.
    """
    options = _parser().parse_args(arguments)
    try:
        return options.command(options)
    except (ValueError, OSError, ImportError) as error:
        print(f"fastnn: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("fastnn: interrupted", file=sys.stderr)
        return 130


def _positive(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a positive integer, got {shown(text)}")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fastnn", description="Recipes of a one-day course.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="the recipes")
    listing.set_defaults(command=_list)

    run = commands.add_parser("run", help="run a recipe (or: all)")
    run.add_argument("name", metavar="NAME", help="which, as `fastnn list` has it")
    run.add_argument("--quick", action="store_true", help="a run of seconds")
    run.add_argument("--epochs", type=_positive, metavar="N", help="passes through the data")
    run.add_argument("--batch-size", type=_positive, metavar="N", help="examples of an update")
    run.add_argument("--seed", type=int, default=0, metavar="N", help="of all random numbers (0)")
    run.add_argument("--device", choices=("cpu", "cuda"), help="where it computes (FASTNN_DEVICE)")
    run.add_argument(
        "--out", metavar="FOLDER", help="where pictures go (fastnn-out/NAME; all: FOLDER/NAME)"
    )
    run.set_defaults(command=_run)

    book = commands.add_parser("book", help="run recipes and write a page for each")
    book.add_argument("names", nargs="*", metavar="NAME", help="recipes (all whose data is here)")
    book.add_argument("--out", required=True, metavar="FOLDER", help="where the pages go")
    book.add_argument("--quick", action="store_true", help="runs of seconds")
    book.add_argument("--seed", type=int, default=0, metavar="N")
    book.set_defaults(command=_book)

    copy = commands.add_parser("copy", help="write a recipe into this folder, to change it")
    copy.add_argument("name", metavar="NAME", help="which, as `fastnn list` has it")
    copy.set_defaults(command=_copy)

    advise = commands.add_parser("advise", help="what to try next, from a training's record")
    advise.add_argument("log", metavar="LOG.csv", help="what the callback CSVLogger wrote")
    advise.add_argument("--model", metavar="FILE", help="the saved model: tips know its layers")
    advise.set_defaults(command=_advise)

    info = commands.add_parser("info", help="version, instruction set, threads, caches")
    info.set_defaults(command=_info)
    return parser


def _list(options: argparse.Namespace) -> int:
    from fastnn import recipes
    from fastnn.recipes.common import print_table

    rows = []
    for name in recipes.NAMES:
        info = recipes.get(name).INFO
        rows.append([name, info.lecture, info.question, f"{info.minutes:g}", _data(info)])
    print_table("Recipes", ["name", "lecture", "question", "minutes", "data here"], rows)
    return 0


def _data(info: Any) -> str:
    from fastnn.recipes.common import is_here

    if info.dataset is None or is_here(info.dataset):
        return "yes"
    return f"{info.fallback} for {info.dataset}" if info.fallback else f"no ({info.dataset})"


def _run(options: argparse.Namespace) -> int:
    from fastnn import recipes

    _choose_device(options.device)
    if options.name == "all":
        return _run_all(options)
    _run_one(recipes.get(options.name), options)
    return 0


def _choose_device(name: str | None = None) -> None:
    from fastnn.backends import current_device, device
    from fastnn.backends.devices import check_device

    setting = "FASTNN_DEVICE" if name is None else "--device"
    try:
        device(check_device(setting, name or current_device()))
    except RuntimeError as error:  # what is missing here is no mistake in the program
        raise ValueError(str(error)) from error


def _run_one(recipe: Any, options: argparse.Namespace) -> None:
    from fastnn.recipes import name_of
    from fastnn.recipes.common import folder_for

    if options.out is not None:
        folder_for(name_of(recipe), options.out)  # an error now, not after the training
    info = recipe.INFO
    print(f"{name_of(recipe)}: lecture {info.lecture}, {info.slide} (seed {options.seed})")
    try:
        recipe.run(
            quick=options.quick,
            seed=options.seed,
            epochs=options.epochs,
            batch_size=options.batch_size,
            out=options.out,
        )
    except (OSError, ImportError) as error:
        if info.data_is_here():
            raise
        raise OSError(
            f"{error}\nWithout {info.dataset} this recipe does not run, not with --quick either."
        ) from error


def _advise(options: argparse.Namespace) -> int:
    from fastnn.models import load_model
    from fastnn.recipes.advice import advise, read_log

    _choose_device()
    model = load_model(options.model) if options.model else None
    print(advise(read_log(options.log), model))
    return 0


def _run_all(options: argparse.Namespace) -> int:
    """Runs every recipe whose data is here; fails only if one of them fails."""
    from fastnn import recipes
    from fastnn.recipes.common import Table

    failed, folder = False, options.out
    with Table("All recipes", ["name", "result", "seconds"]) as table:
        for name in recipes.NAMES:
            recipe = recipes.get(name)
            options.out = None if folder is None else str(Path(folder) / name)
            start = time.perf_counter()
            if not recipe.INFO.data_is_here():
                result = f"skipped: {recipe.INFO.dataset} is not here"
            else:
                try:
                    _run_one(recipe, options)
                    result = "ran"
                except Exception:
                    traceback.print_exc()
                    result, failed = "failed", True
            table.add(name, result, f"{time.perf_counter() - start:.1f}")
    return int(failed)


def _book(options: argparse.Namespace) -> int:
    """Runs recipes into a book; pages of earlier runs stay, so that it can grow.

    A recipe that fails is left out, and the status is then 1.
    """
    from fastnn import recipes
    from fastnn.book import Book

    _choose_device()
    chosen = [recipes.name_of(recipes.get(name)) for name in options.names]
    book = Book(options.out)
    failed = False
    for name in chosen or recipes.NAMES:
        if not chosen and not recipes.get(name).INFO.data_is_here():
            print(f"{name}: left out, {recipes.get(name).INFO.dataset} is not here")
            continue
        try:
            book.add(name, options.quick, options.seed)
        except (ValueError, OSError, ImportError) as error:
            print(f"fastnn: {name}: {error}", file=sys.stderr)
            failed = True
        except Exception:
            traceback.print_exc()
            failed = True
    if book.index.exists():
        print(f"wrote {book.index}")
    return int(failed)


def _copy(options: argparse.Namespace) -> int:
    from fastnn import recipes

    source = Path(str(recipes.get(options.name).__file__))
    target = Path.cwd() / source.name
    if target.exists():
        raise ValueError(f"copy: {target} exists already")
    shutil.copyfile(source, target)
    print(f"wrote {target}; run it with: python -c 'import {source.stem} as r; r.run()'")
    return 0


def _info(options: argparse.Namespace) -> int:
    import fastnn as fn

    fn.show_config()
    return 0
