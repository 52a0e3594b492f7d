"""``junit.xml``: what CI systems read. A testcase per promise."""

from pathlib import Path
from xml.etree import ElementTree as ET

from brownout.plan import Plan, TestPlan
from brownout.rundir import RunDir
from brownout.verdict import Promise, Verdicts
from reports.wording import TestOutcome, clean, left_out, measured, results, skip_reason


def render(run: RunDir) -> Path:
    """Write ``junit.xml`` into the run directory and return its path; raises `BadInput` when it was not judged."""
    tree = ET.ElementTree(_document(run.plan(), run.verdicts()))
    ET.indent(tree)
    path = run.file("junit.xml")
    tree.write(path, encoding="utf-8", xml_declaration=True)
    return path


def _document(plan: Plan, verdicts: Verdicts) -> ET.Element:
    root = _element("testsuites", name=f"brownout {plan.run}", time=f"{verdicts.duration_s:.3f}")
    tests = results(verdicts, plan)
    for suite in dict.fromkeys(test.suite for test in tests):
        cases = [case for test in tests if test.suite == suite for case in _cases(test, plan.replay)]
        root.append(_suite(suite, cases, plan, verdicts))
    # Whatever could not be said promise by promise (all skipped, nothing planned) must still not look green.
    if verdicts.outcome != "pass" and not _is_loud(root):
        case = _element("testcase", classname="brownout.run", name="overall", time="0")
        _unknown(case, "nothing was judged, so nothing was shown", plan.replay)
        root.append(_suite("brownout", [case], plan, verdicts))
    return _counted(root)


def _suite(name: str, cases: list[ET.Element], plan: Plan, verdicts: Verdicts) -> ET.Element:
    suite = _element("testsuite", name=name, timestamp=verdicts.started_at, time=f"{verdicts.duration_s:.3f}")
    facts = {"target": verdicts.target, "seed": str(verdicts.seed), "clock": plan.clock, "profile": plan.profile}
    properties = ET.SubElement(suite, "properties")
    for key, value in (facts | {"replay": plan.replay}).items():
        properties.append(_element("property", name=key, value=value))
    suite.extend(cases)
    return _counted(suite)


def _cases(test: TestOutcome, replay: str) -> list[ET.Element]:
    classname = f"{test.suite}.{test.test}"
    if test.promises:
        return [_case(promise, classname, test.plan, replay) for promise in test.promises]
    case = _element("testcase", classname=classname, name=f"{test.suite}/{test.test}", time="0")
    if why := left_out(test):
        case.append(_element("skipped", message=why))
    else:
        _unknown(case, "the test was planned, but none of its promises was judged", replay)
    return [case]


def _case(promise: Promise, classname: str, plan: TestPlan | None, replay: str) -> ET.Element:
    case = _element("testcase", classname=classname, name=promise.id, time="0")
    if promise.grade:
        properties = ET.SubElement(case, "properties")
        said = {"grade": promise.grade, "grade-why": promise.grade_why}
        properties.extend(_element("property", name=name, value=value) for name, value in said.items() if value)
    if promise.outcome == "fail":
        failure = ET.SubElement(case, "failure", message=clean(promise.why), type="fail")
        failure.text = _details(promise, replay)
    elif promise.outcome == "unknown":
        _unknown(case, clean(promise.why), _details(promise, replay))
    elif promise.outcome == "skipped":
        case.append(_element("skipped", message=skip_reason(promise, plan)))
    return case


def _unknown(case: ET.Element, message: str, details: str) -> None:
    # JUnit has no third value. Unknown is an <error>, never <skipped>: CI systems paint a skipped case green, and a
    # gate that measured nothing must stop the change as surely as one that measured a failure.
    error = ET.SubElement(case, "error", message=message, type="unknown")
    error.text = clean(details, lines=True)


def _details(promise: Promise, replay: str) -> str:
    lines = [
        f"promise:   {clean(promise.slo)}",
        f"observed:  {measured(promise)}, {promise.samples} samples",
        f"witnesses: {clean(', '.join(promise.witnesses)) or 'none'}",
        f"replay:    {clean(replay)}",
    ]
    return "\n" + "\n".join(lines) + "\n"


def _is_loud(root: ET.Element) -> bool:
    return any(element.tag in {"failure", "error"} for element in root.iter())


def _counted(element: ET.Element) -> ET.Element:
    for attribute, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(attribute, str(sum(1 for _ in element.iter(tag))))
    return element


def _element(tag: str, **attributes: str) -> ET.Element:
    return ET.Element(tag, {key: clean(value) for key, value in attributes.items()})
