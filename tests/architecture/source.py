"""The project's own source as the architecture tests see it: modules, imports, functions."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("config_server", "dashboard", "camera_agent")
PACKAGES = ("fleet", *PROGRAMS, "deploy", "bench")


@dataclass(frozen=True)
class Module:
    """One source file."""

    path: Path

    @property
    def name(self) -> str:
        """Return the dotted name, such as `fleet.pki.keys`."""
        parts = self.path.relative_to(ROOT).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def package(self) -> str:
        """Return the top-level package."""
        return self.name.split(".")[0]

    @cached_property
    def tree(self) -> ast.Module:
        """Return the parsed source."""
        return ast.parse(self.path.read_text())

    @cached_property
    def lines(self) -> int:
        """Return how many lines the file has."""
        return len(self.path.read_text().splitlines())

    def imports(self) -> set[str]:
        """Return the dotted names that the module imports, anywhere in it."""
        found: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                found.add(node.module)
        return found

    def imported_packages(self) -> set[str]:
        """Return the top-level names of its imports."""
        return {name.split(".")[0] for name in self.imports()}

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Yield every function and method."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node


@lru_cache
def modules() -> tuple[Module, ...]:
    """Return every module of the project but its tests and generated migrations."""
    files = (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))
    return tuple(Module(path) for path in files if "versions" not in path.parts)
