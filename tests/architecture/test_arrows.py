"""The arrows of DESIGN §2: who may import whom, and which module is the door to which library."""

import re
import sys

import pytest

from tests.architecture.source import PACKAGES, PROGRAMS, Module, modules

DOORS: dict[str, str] = {
    "paho": r"fleet\.mqtt(_.*)?|bench\.ingest_bare",
    "msgspec": r"dashboard\.(ingest|store)(\..*)?",
    "confluent_kafka": r"dashboard\.forwarder\.kafka",
    "cryptography": r"fleet\.pki(\..*)?",
    "pydantic_settings": r"fleet\.settings|camera_agent\.settings",
    "structlog": r"fleet\.logs",
    "typer": r"fleet\.cli|.*\.cli(\..*)?",
    "sqlalchemy": r"(config_server|dashboard)\.store(\..*)?|bench\..*",
    "alembic": r"(config_server|dashboard)\.store(\..*)?",
    "onnxruntime": r"camera_agent\.vision(\..*)?|bench\..*",
    "onnx": r"camera_agent\.vision\.compaction",
    "cv2": r"camera_agent\.(capture|vision)(\..*)?",
    "av": r"camera_agent\.(capture|vision)(\..*)?",
    "flask": r"(config_server|dashboard)(\..*)?",
    "gevent": r"dashboard\.feed(\..*)?",
    "playwright": r"bench(\..*)?",
}
STANDARD = sys.stdlib_module_names
FLEET_MAY_USE = {"fleet", "paho", "cryptography", "pydantic", "pydantic_settings", "structlog", "typer"}


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_never_import_one_another(program: str) -> None:
    others = set(PROGRAMS) - {program}
    offenders = {
        module.name: module.imported_packages() & others
        for module in modules()
        if module.package == program and module.imported_packages() & others
    }
    assert offenders == {}


def test_fleet_imports_only_its_few_libraries() -> None:
    offenders = {
        module.name: strangers
        for module in modules()
        if module.package == "fleet"
        and (strangers := {n for n in module.imported_packages() if n not in FLEET_MAY_USE | STANDARD})
    }
    assert offenders == {}


@pytest.mark.parametrize("library", sorted(DOORS))
def test_each_heavy_library_has_one_door(library: str) -> None:
    offenders = [
        module.name
        for module in modules()
        if library in module.imported_packages() and not re.fullmatch(DOORS[library], module.name)
    ]
    assert offenders == []


def test_products_never_import_deployment_tests_or_benches() -> None:
    outside = {"deploy", "bench", "tests"}
    offenders = [
        module.name
        for module in modules()
        if module.package in ("fleet", *PROGRAMS) and module.imported_packages() & outside
    ]
    assert offenders == []


def _reads_environment(module: Module) -> bool:
    source = module.path.read_text()
    return bool(re.search(r"os\.environ|os\.getenv|environ\[", source))


def test_the_environment_is_read_by_settings_alone() -> None:
    offenders = [
        module.name
        for module in modules()
        if module.package in ("fleet", *PROGRAMS)
        and not module.name.endswith("settings")
        and _reads_environment(module)
    ]
    assert offenders == []


def test_there_are_modules_to_look_at() -> None:
    assert {module.package for module in modules()} == set(PACKAGES)
    assert len(modules()) > 60
