"""A file is read whole and right, or refused with the line, what was allowed and the nearest match."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brownout.errors import BadInput
from brownout.loading import load_yaml, parse_yaml
from brownout.target import Target, load_target
from brownout.topology import Topology
from fixtures.catalogue import REFERENCE_TARGET, load_topology

ROOM = REFERENCE_TARGET.parent.parent
TARGETS = sorted(ROOM.glob("targets/*.yaml"))
TOPOLOGIES = sorted(ROOM.glob("topologies/*.yaml"))
TARGET_TEXT = REFERENCE_TARGET.read_text(encoding="utf-8")
TOPOLOGY_TEXT = (ROOM / "topologies" / "slack.yaml").read_text(encoding="utf-8")
SMALL = """\
topology: small
endpoints:
  - name: a
    cloud: aws
    provider: bedrock
    region: us-east-1
    capacity: gpu
    dialect: openai-chat
    model: m
    limits:
      ttft_s: 0.2
tenants:
  acme:
    allow: [a]
  europa:
    allow: [a]
"""


def refusal(text: str, kind: type[Target | Topology] = Topology) -> str:
    """Return how a text is refused."""
    with pytest.raises(BadInput) as caught:
        parse_yaml(text, kind, name="f.yaml")
    return str(caught.value)


def refused_or_none(text: str, kind: type[Target | Topology]) -> str | None:
    """Return how a text is refused; None when it is not."""
    try:
        made = parse_yaml(text, kind, name="f.yaml")
        if isinstance(made, Topology):
            made.check(where="f.yaml")
    except BadInput as refused:
        return str(refused)
    return None


def target_file(tmp_path: Path, text: str) -> str:
    """Write a target's file and return its path."""
    path = tmp_path / "target.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("path", TARGETS, ids=lambda path: path.stem)
def test_every_shipped_target_loads(path: Path) -> None:
    """What ships is right, and its relative paths start from its own folder."""
    target, folder = load_target(str(path))
    assert target.target
    assert path.parent == folder


@pytest.mark.parametrize("path", TOPOLOGIES, ids=lambda path: path.stem)
def test_every_shipped_topology_loads(path: Path) -> None:
    """By its name and by its path alike."""
    assert load_topology(path.stem) == load_topology(str(path))


def test_the_small_topology_of_these_tests_is_right() -> None:
    """What the tests below break was whole."""
    parse_yaml(SMALL, Topology, name="f.yaml").check(where="f.yaml")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("tenants:", "tenant:", "f.yaml:12: unknown field 'tenant'. Did you mean 'tenants'? Known: topology, "),
        ("region:", "regoin:", "f.yaml:6: endpoints.0: unknown field 'regoin'. Did you mean 'region'?"),
        ("ttft_s:", "ttft:", "f.yaml:11: endpoints.0.limits: unknown field 'ttft'. Did you mean 'ttft_s'?"),
        ("acme:\n    allow", "acme:\n    alow", "f.yaml:14: tenants.acme: unknown field 'alow'. Did you mean 'allow'?"),
        ("europa:\n    allow", "europa:\n    alow", "f.yaml:16: tenants.europa: unknown field 'alow'."),
        ("ttft_s: 0.2", "ttft_s: soon", "f.yaml:11: endpoints.0.limits.ttft_s: Expected `float`, got `str`"),
        ("name: a", "name: 7", "f.yaml:3: endpoints.0.name: Expected `str`, got `int`."),
        ("europa:\n    allow: [a]", "europa:\n    allow: [a, 7]", "f.yaml:16: tenants.europa.allow.1: Expected `str`"),
        ("europa:", "7:", "f.yaml:13: tenants: a key: Expected `str`, got `int`."),
        ("acme:\n    allow: [a]", "acme: [a]", "f.yaml:13: tenants.acme: Expected `object`, got `array`."),
        ("gpu", "gpus", "f.yaml:7: endpoints.0.capacity: unknown value 'gpus'. Did you mean 'gpu'? Known: "),
        ("    model: m\n", "", "f.yaml:3: endpoints.0: Object missing required field `model`."),
        ("    cloud: aws\n", "    cloud: aws\n    name: b\n", "f.yaml:5: field 'name' is given twice."),
        ("europa:", "acme:", "f.yaml:15: field 'acme' is given twice."),
        ("allow: [a]\n  e", "allow: [a\n  e", "f.yaml:15: not YAML ("),
        ("name: a", "name: a: b", "f.yaml:3: not YAML (mapping values are not allowed here)."),
        ("name: a", "name: \x07", "f.yaml: not YAML ("),
        ("name: a", "name: 2024-13-45", "f.yaml: not YAML (a value that is not what it looks like: "),
        ("name: a", "name: !!bool perhaps", "f.yaml: not YAML (a value that is not what it looks like: "),
        ("name: a", "name: *nobody", "f.yaml:3: not YAML (found undefined alias "),
    ],
)
def test_what_is_wrong_is_said_with_its_line(old: str, new: str, expected: str) -> None:
    """Unknown fields, wrong types, repeats and bad YAML: file, line, field, and the nearest match."""
    assert 1 <= SMALL.count(old)
    said = refusal(SMALL.replace(old, new, 1))
    assert expected == said[: len(expected)]


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing but a comment\n"])
def test_an_empty_file_says_what_it_could_hold(text: str) -> None:
    """Empty is bad input, with the fields that were allowed."""
    assert refusal(text).startswith("f.yaml: the file is empty; fields: topology, endpoints, tenants")


@pytest.mark.parametrize(
    "text",
    [
        "---",
        "null",
        "- a",
        "word",
        "7",
        "[" * 5000,
        "&a [*a]",
        "a: &a {b: *a}",
        "x: " + "9" * 5000,
        "!!omap [{[a]: b}]",
    ],
    ids=lambda text: text[:12],
)
def test_what_is_no_record_is_refused(text: str) -> None:
    """Lists, words, nothing, what is nested without end, what stands in itself: bad input, each."""
    assert refusal(text).startswith("f.yaml")


def test_an_anchor_that_is_used_often_is_read_once() -> None:
    """Ten doublings of a list are no thousandfold work, and are refused for what they are."""
    rows = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join(['*a' + str(n - 1)] * 8)}]" for n in range(1, 12)]
    assert refusal("\n".join(rows)).startswith("f.yaml:1: unknown field 'a0'")


def test_a_file_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    """A missing file and a folder are said by their names."""
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(BadInput, match=rf"^{re.escape(str(path))}: cannot be read"):
            load_yaml(path, Topology)


def test_a_file_of_other_bytes_is_bad_input(tmp_path: Path) -> None:
    """A picture is not YAML."""
    path = tmp_path / "picture.yaml"
    path.write_bytes(b"name: \x89PNG\xff")
    with pytest.raises(BadInput, match=r"picture\.yaml: not YAML \(not UTF-8 at byte 6\)"):
        load_yaml(path, Topology)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("target: t\nurl: http://a\nstart: {command: [a]}", r"target\.yaml: give either start .* or url .*, not both"),
        ("target: t", r"target\.yaml: give either start .* or url"),
        (
            "target: t\nurl: http://a\ndeclares: [failover, fail-bak]",
            r"target\.yaml: declares: unknown feature 'fail-bak'\. Did you mean 'fail-back'\? Known: ",
        ),
        (
            "target: t\nurl: http://a\nforgoes: [no-data-writen]",
            r"target\.yaml: forgoes: unknown feature to forgo 'no-data-writen'\. Did you mean 'no-data-written'\?",
        ),
        (
            "target: t\nurl: http://a\ndeclares: [no-data-written]\nforgoes: [no-data-written]",
            r"target\.yaml: no-data-written is both declared and forgone",
        ),
        ("target: t\nurl: http://a\nforgoes: [no-data-written]", r"is both declared and forgone"),
        ("target: t\nurl: http://a\nmodels: []", r"target\.yaml: models is empty"),
        ("target: t\nurl: http://a\nrecover_within_s: 0", r"recover_within_s must be above 0 and finite, not 0"),
        ("target: t\nurl: http://a\nrecover_within_s: .nan", r"recover_within_s must be .* finite, not nan"),
        ("target: t\nurl: http://a\nrecover_within_s: .inf", r"recover_within_s must be .* finite, not inf"),
        ("target: t\nstart: {command: []}", r"start\.command is empty"),
        ("target: t\nstart: {command: [a], ready: {paht: /}}", r"target\.yaml:2: start\.ready: unknown field 'paht'"),
        ("target: t\nstart: {command: [a], env: {A: 1}}", r"target\.yaml:2: start\.env\.A: Expected `str`, got `int`"),
        ("target: t\nklass: {header: x}", r"target\.yaml:2: unknown field 'klass'\. Did you mean 'class'\?"),
    ],
)
def test_a_target_that_cannot_be_tested_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """Each contradiction in a target's file is bad input, and names its field."""
    with pytest.raises(BadInput, match=message):
        load_target(target_file(tmp_path, text))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("declares: [tenant-boundary]", [True, True, False]),
        ("declares: [tenant-boundary]\nforgoes: [no-data-written]", [True, False, False]),
        ("declares: [tenant-boundary, no-data-in-telemetry]", [False, True, False]),
        ("declares: [failover]", [False, False, False]),
        ("", [False, False, False]),
    ],
)
def test_who_keeps_boundaries_says_of_data_elsewhere_whether_it_may_be_there(
    tmp_path: Path, said: str, expected: list[bool]
) -> None:
    """What it neither declares nor forgoes is open; who promises no boundary, or everything, leaves nothing open."""
    target, _ = load_target(target_file(tmp_path, f"target: t\nurl: http://a\n{said}"))
    features = ["no-data-in-telemetry", "no-data-written", "failover"]
    assert expected == [target.leaves_open([feature]) for feature in features]


def test_a_url_is_a_target_by_itself() -> None:
    """A router that runs already needs no file."""
    target, _ = load_target("http://127.0.0.1:4000/")
    assert "http://127.0.0.1:4000" == target.url
    assert target.start is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("- name: a\n", "- &e\n    name: a\n", None),
        ("europa:\n    allow: [a]", "europa:\n    allow: [b]", r"tenants\.europa\.allow: unknown endpoint 'b'"),
        ("europa:\n    allow: [a]", "europa:\n    allow: []", r"tenants\.europa: neither boundary nor allow"),
    ],
)
def test_a_topology_that_does_not_fit_together_is_refused(
    tmp_path: Path, old: str, new: str, message: str | None
) -> None:
    """A tenant may be allowed only what is there, and something."""
    path = tmp_path / "small.yaml"
    path.write_text(SMALL.replace(old, new), encoding="utf-8")
    if message is None:
        load_topology(str(path))
        return
    with pytest.raises(BadInput, match=message):
        load_topology(str(path))


def test_names_of_endpoints_must_differ(tmp_path: Path) -> None:
    """Two endpoints of one name could not be told apart in evidence."""
    path = tmp_path / "twice.yaml"
    path.write_text(TOPOLOGY_TEXT.replace("bedrock-pt-us-east-1", "bedrock-od-us-east-1"), encoding="utf-8")
    with pytest.raises(BadInput, match="endpoint names must differ; given twice: bedrock-od-us-east-1"):
        load_topology(str(path))


def test_an_unknown_topology_names_the_nearest() -> None:
    """A misspelt name is answered with what ships."""
    with pytest.raises(BadInput, match=r"unknown topology 'slak'\. Did you mean 'slack'\?"):
        load_topology("slak")


PIECES = st.one_of(
    st.text(max_size=5),
    st.sampled_from(
        ["\n", "  ", ":", "- ", "[", "]", "{", "}", "*a", "&a ", "!!int ", "!!bool ", "<<: ", "'", '"', "? ", "|"]
    ),
    st.sampled_from(
        ["2024-13-45", "1:99:99", "0x", "0b", ".nan", "1e999", "~", "%", "@", "\x85", "\x00", "---\n", "...\n"]
    ),
)


@st.composite
def mutated(draw: st.DrawFn, text: str) -> str:
    """Return a text with up to four pieces cut out, put in or moved."""
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        upto = min(at + draw(st.integers(0, 30)), len(text))
        kept = draw(st.booleans())
        text = text[:at] + draw(PIECES) + (text[at:upto] if kept else "") + text[upto:]
    return text


@given(mutated(TARGET_TEXT))
@settings(max_examples=200, deadline=None)
def test_no_target_file_raises_anything_but_bad_input(text: str) -> None:
    """Any mutation of a target's file is a target, or bad input that names the file."""
    said = refused_or_none(text, Target)
    assert said is None or said.startswith("f.yaml")


@given(mutated(TOPOLOGY_TEXT))
@settings(max_examples=60, deadline=None)
def test_no_topology_file_raises_anything_but_bad_input(text: str) -> None:
    """Any mutation of a topology's file is a topology, or bad input that names the file."""
    said = refused_or_none(text, Topology)
    assert said is None or said.startswith("f.yaml")


@pytest.mark.parametrize(
    ("behind", "said"),
    [
        ("{kind: provisionned}", "behind.kind: unknown kind 'provisionned'. Did you mean 'provisioned'?"),
        ("{kind: provisioned, model_unit: 1}", "unknown field 'model_unit'. Did you mean 'model_units'?"),
        ("{kind: gpu-pool, gpu: h100}", "behind.gpu: unknown value 'h100'. Did you mean 'h100-80gb'?"),
        ("{kind: shared-quota, pool: {backgroud: 1}}", "behind.pool: unknown field 'backgroud'."),
    ],
)
def test_a_capacity_model_explains_itself_by_its_kind(tmp_path: Path, behind: str, said: str) -> None:
    """A mistake in an endpoint's ``behind`` is answered with what its own kind allows."""
    path = tmp_path / "t.yaml"
    endpoint = f"{{name: e, cloud: c, provider: p, region: r, capacity: gpu, dialect: d, model: m, behind: {behind}}}"
    path.write_text(f"topology: t\nendpoints: [{endpoint}]\ntenants: {{acme: {{allow: [e]}}}}\n")
    with pytest.raises(BadInput) as caught:
        load_yaml(path, Topology)
    assert said in str(caught.value)


def test_limits_that_a_capacity_model_would_pass_over_are_bad_input(tmp_path: Path) -> None:
    """A rate limit beside a model that has quotas of its own is refused before any world is raised."""
    path = tmp_path / "t.yaml"
    more = "limits: {rate_rps: 3}, behind: {kind: gpu-pool}"
    endpoint = f"{{name: e, cloud: c, provider: p, region: r, capacity: gpu, dialect: d, model: m, {more}}}"
    path.write_text(f"topology: t\nendpoints: [{endpoint}]\ntenants: {{acme: {{allow: [e]}}}}\n")
    with pytest.raises(BadInput, match=r"endpoint e: .*rate_rps"):
        load_yaml(path, Topology).check(where=str(path))
