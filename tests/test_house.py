"""The house rules that a machine can check (docs/house.md): imports point down, no hidden arguments, everything stays small."""

import ast
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

FLOORS = "clock dialogue native streaming|audio|encoder llm synthesizer|models data|runtime|train eval|recipes|commands|cli".split("|")
FLOOR = {room: i for i, rooms in enumerate(FLOORS) for room in rooms.split()}
FILES = [file for file in sorted(Path("parley").rglob("*.py")) if file != Path("parley/__init__.py")]
TREES = {file: ast.parse(file.read_text()) for file in FILES}


def room(module: str) -> str:
    return module.split(".")[1]


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: write the absolute import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.startswith("parley."))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_imports_point_down():
    for file, tree in TREES.items():
        here = room(".".join(file.with_suffix("").parts))
        for name in imports(tree):
            assert room(name) == here or FLOOR[room(name)] < FLOOR[here], f"{file} imports {name}; move the shared part down"


def test_own_imports_stand_at_file_top():
    for file, tree in TREES.items():
        for function in functions(tree):
            inside = list(imports(function))
            assert not inside, f"{file}: {function.name} imports {inside}; imports stand at file top"


def test_no_hidden_arguments():
    for file, tree in TREES.items():
        for node in ast.walk(tree):
            assert not (isinstance(node, ast.arguments) and node.kwarg), f"{file}: name the arguments instead of **kwargs"
            assert not (isinstance(node, ast.Name) and node.id in ("getattr", "hasattr")), f"{file}:{node.lineno}: say which attribute"


def test_every_argument_is_annotated():
    for file, tree in TREES.items():
        for function in functions(tree):
            arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
            bare = [argument.arg for argument in arguments if argument.annotation is None and argument.arg not in ("self", "cls")]
            # torch calls the methods of an autograd.Function with a context that has no public type
            bare = [name for name in bare if name != "ctx"]
            assert not bare, f"{file}:{function.lineno}: {function.name} leaves {bare} without a type"


def test_budgets():
    for file, tree in TREES.items():
        assert file.name != "utils.py", f"{file}: name the file after what it holds"
        lines = len(file.read_text().splitlines())
        assert lines <= 500, f"{file} has {lines} lines; two rooms in one?"
        for function in functions(tree):
            assert function.end_lineno is not None
            length = function.end_lineno - function.lineno + 1
            assert length <= 60, f"{file}:{function.lineno}: {function.name} has {length} lines"
    for folder in {file.parent for file in FILES}:
        files = [file.name for file in folder.glob("*.py") if file.name != "__init__.py"]
        assert len(files) <= 8, f"{folder} holds {len(files)} files: {sorted(files)}"
    assert sum(len(file.read_text().splitlines()) for file in FILES) <= 22700


def test_every_room_has_a_floor():
    rooms = {room(".".join(file.with_suffix("").parts)) for file in FILES}
    assert rooms <= set(FLOOR), f"give {rooms - set(FLOOR)} a floor, here and in docs/house.md"


@pytest.mark.parametrize("broken", ["", "test", "test-clients"])
def test_ci_runs_all_tests_and_fails_where_one_fails(tmp_path: Path, broken: str):
    make = tmp_path / "make"
    make.write_text(f'#!/bin/sh\necho "$1"\ntest "$1" != "{broken}"\n')
    make.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run([".ci/run"], env={**os.environ, "PATH": path}, capture_output=True, text=True)
    assert done.stdout.split() == ["test-clients", "test"] and (done.returncode != 0) == bool(broken)
