"""The shape of the code (STYLE.md): short functions, small files, few parameters, honest names."""

import ast
import statistics

from tests.architecture.source import PROGRAMS, Module, modules

LONGEST_FUNCTION = 60
LONGEST_FILE = 400
MOST_PARAMETERS = 5
MOST_OWN_IMPORTS = 15
VAGUE = {"utils", "helpers", "common", "manager", "base", "misc", "util", "helper"}
OWN = {"fleet", *PROGRAMS, "deploy", "bench"}


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    arguments = function.args
    names = [argument.arg for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]]
    return len([name for name in names if name not in ("self", "cls")])


def _is_command(module: Module) -> bool:
    # A command line's options are its parameters; typer reads them from the signature.
    return "cli" in module.name.split(".")


def test_no_function_is_longer_than_a_screen() -> None:
    long = {
        f"{module.name}:{function.name}": _length(function)
        for module in modules()
        for function in module.functions()
        if _length(function) > LONGEST_FUNCTION
    }
    assert long == {}


def test_functions_are_short_on_the_whole() -> None:
    lengths = sorted(_length(function) for module in modules() for function in module.functions())
    assert statistics.median(lengths) <= 8
    assert lengths[int(len(lengths) * 0.95)] <= 40


def test_no_file_hides_two() -> None:
    assert {module.name: module.lines for module in modules() if module.lines > LONGEST_FILE} == {}
    assert statistics.median(module.lines for module in modules()) <= 110


def test_no_function_takes_more_than_five_parameters() -> None:
    many = {
        f"{module.name}:{function.name}": _parameters(function)
        for module in modules()
        if not _is_command(module)
        for function in module.functions()
        if _parameters(function) > MOST_PARAMETERS
    }
    assert many == {}


def test_no_module_knows_everybody() -> None:
    counts = {
        module.name: len({name for name in module.imports() if name.split(".")[0] in OWN})
        for module in modules()
        if module.path.name != "__init__.py"
    }
    assert {name: count for name, count in counts.items() if count > MOST_OWN_IMPORTS} == {}


def test_names_say_something() -> None:
    assert [module.name for module in modules() if set(module.name.split(".")) & VAGUE] == []


def test_every_module_opens_by_saying_what_it_is_for() -> None:
    silent = [module.name for module in modules() if not ast.get_docstring(module.tree)]
    assert silent == []
