"""What the documentation shows is true: tables, snippets, commands, links and the floor plan."""

import ast
import doctest
import importlib
import re
import shlex
from pathlib import Path

import click
import numpy as np
import option_tables
import pytest

import resampler
from feast_plugin.cli import snapshot
from feast_plugin.lineage_cli import lineage
from resampler.commands.advise import advise
from resampler.commands.audit import audit
from resampler.commands.demo import demo
from resampler.commands.doctor import doctor
from resampler.commands.drift import drift
from resampler.commands.explain import explain
from resampler.commands.gate import gate
from resampler.commands.incident import incident
from resampler.commands.maintenance import maintenance
from resampler.commands.metrics import metrics
from resampler.commands.resample import resample
from resampler.commands.retrain import retrain
from resampler.commands.rollback import rollback
from resampler.commands.warmup import warmup
from stream.commands.cli import stream

ROOT = option_tables.ROOT
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/README.md")]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WINGS = ("resampler", "stream", "feast_plugin")
SOURCES = sorted(path for wing in WINGS for path in ROOT.glob(f"{wing}/**/*.py"))
EXAMPLES = [str(path.relative_to(ROOT)) for path in SOURCES if "    >>> " in path.read_text(encoding="utf-8")]
COMMANDS = {
    command.name: command
    for command in (
        advise,
        audit,
        demo,
        doctor,
        drift,
        explain,
        gate,
        incident,
        lineage,
        maintenance,
        metrics,
        resample,
        retrain,
        rollback,
        snapshot,
        stream,
        warmup,
    )
}
# Snippets that need a server or a feature store: they are compiled, and what they import is imported.
NEEDS = re.compile(r"training_input|FeatureStore|Feed\(|store\b|redis\.|\"catalog|rows\.parquet")
# Options of other programs that the pages name.
OTHERS = {"--build-arg", "--data", "--from-literal", "--group", "--help", "--learner", "--moa", "--streams"}


def pages():
    return pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def options_of(command):
    return {name for one in command.params for name in (*one.opts, *one.secondary_opts)} | {"--help", "-h"}


def every_option():
    groups = [command for command in COMMANDS.values() if isinstance(command, click.Group)]
    leaves = [leaf for group in groups for leaf in group.commands.values()]
    return set().union(*(options_of(command) for command in (*COMMANDS.values(), *leaves)))


def slug(heading):
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def test_tables_are_those_of_the_code():
    texts = {path.name: path.read_text(encoding="utf-8") for path in option_tables.PAGES}
    assert "<!-- options: stream.settings.Settings -->" in texts["streaming.md"]
    assert "<!-- methods -->" in texts["samplers.md"]
    stale = [name for name, text in texts.items() if text != option_tables.fill(text)]
    assert not stale, "run `make tables`"


@pages()
def test_fences_say_their_language(page):
    found = {language for language, _ in FENCE.findall(page.read_text(encoding="utf-8"))}
    assert found <= {"bash", "json", "python", "sh", "text", "toml"}


@pages()
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        there = (page.parent / path) if path else page
        assert there.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", there.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in map(slug, headings), target


@pytest.fixture
def given():
    """What a reader of a snippet has: rows, labels, sites, and the public names."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(240, 2)).astype(np.float32)
    y = (np.arange(240) % 6 == 0).astype(np.int64)
    names = {name: getattr(resampler, name) for name in ("MinorityBuffer", "OnlineResampler", "SMOTE", "FeatureSchema")}
    schema = resampler.FeatureSchema.numeric(["amount", "age"])
    return names | {"X": X, "y": y, "row_ids": np.arange(240), "sites": np.arange(240) // 48, "schema": schema}


@pages()
def test_snippets_run(page, given):
    import sklearn

    with sklearn.config_context():
        for language, code in FENCE.findall(page.read_text(encoding="utf-8")):
            if language != "python":
                continue
            tree = ast.parse(code)
            if NEEDS.search(code):
                tree.body = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
            if page.name == "buffer.md":
                given["X"] = np.random.default_rng(0).normal(size=(240, 32)).astype(np.float32)
            exec(compile(tree, str(page), "exec"), given)  # noqa: S102 - the snippet is what is tested


@pages()
def test_commands_have_the_options_that_are_shown(page):
    text = page.read_text(encoding="utf-8")
    shown = [code.replace("\\\n", " ") for language, code in FENCE.findall(text) if language == "bash"]
    for line in "\n".join(shown).splitlines():
        if not (found := re.search(rf"\bresampler ({'|'.join(COMMANDS)})\b(.*)", line)):
            continue
        words = shlex.split(found[2], comments=True)
        command = COMMANDS[found[1]]
        if isinstance(command, click.Group):
            command = command.commands[words[0]]
        named = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert named <= options_of(command), line
    prose = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", FENCE.sub("", text)))
    assert prose <= every_option() | OTHERS


@pytest.mark.parametrize("path", EXAMPLES)
def test_examples_in_docstrings_are_true(path):
    name = path.removesuffix(".py").replace("/", ".")
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_the_floor_plan_names_what_is_there():
    plan = FENCE.search((ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"))[2]
    there = {path.relative_to(ROOT).parts[0] + "/" + path.name for path in ROOT.glob("*/**/*.py")}
    wing = ""
    for line in plan.splitlines():
        if found := re.match(r"(\w+)/ ", line):
            wing = found[1]
        missing = [name for name in re.findall(r"\b\w+\.py\b", line) if f"{wing}/{name}" not in there]
        assert not missing, line


def test_where_to_look_first_is_right():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text[text.index("Where to look first") : text.index("## The floors")]
    paths = re.findall(r"`([\w/]+\.py)`", table)
    assert len(paths) == 4
    assert all(Path(ROOT, path).is_file() for path in paths)


def test_the_glossary_is_in_order():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    words = re.findall(r"^\| \*([^*]+)\* \|", text[text.index("## Glossary") :], re.MULTILINE)
    assert len(words) > 40
    assert words == sorted(words, key=str.lower)
