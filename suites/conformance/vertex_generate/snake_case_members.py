"""Members go by their names in the proto too."""

from brownout.conformance import check
from fixtures.conform.judging import equal
from fixtures.conform.probe import LONG_PROMPT, Probe


@check(level="extended", source="ProtoJSON: parsers accept lowerCamelCase and the original field name")
async def snake_case_members(probe: Probe) -> None:
    """A body whose members are written with underscores is understood."""
    body = probe.body(probe.asked(LONG_PROMPT))
    del body["generationConfig"]
    answer = probe.answer(await probe.whole(probe.with_body(body | {"generation_config": {"max_output_tokens": 8}})))
    equal("length", answer.end.stop if answer.end else "", "reason for the end")
