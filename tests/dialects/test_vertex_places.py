"""Paths of Vertex AI are read as they are written, and a host serves its own location only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.dialects.google_errors import error_reply
from brownout.dialects.vertex_places import Place, host_of, path_of, read_path, why_not_placed, why_not_served

WORD = st.text(max_size=12).filter(bool)
PATH = "/v1/projects/p-1/locations/us-central1/publishers/google/models/gemini-2.0-flash:generateContent"


@given(
    st.builds(
        Place,
        version=st.sampled_from(["v1", "v1beta1"]),
        project=WORD,
        location=st.sampled_from(["us-central1", "global", "eu"]),
        publisher=st.one_of(st.just(""), st.sampled_from(["google", "anthropic"])),
        model=WORD,
        call=st.sampled_from(["generateContent", "rawPredict"]),
    )
)
def test_a_path_reads_as_what_was_written(place: Place) -> None:
    """Project, location, publisher, model and call come through, whatever characters they hold."""
    expected = place if place.publisher else Place(**{**_fields(place), "model": f"endpoints/{place.model}"})
    assert expected == read_path(path_of(expected))


def _fields(place: Place) -> dict[str, str]:
    return {name: getattr(place, name) for name in place.__struct_fields__}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (PATH.replace(":", "%3A"), "gemini-2.0-flash"),
        ("/v1beta1/projects/1/locations/eu/publishers/anthropic/models/claude-sonnet-4@20250514:rawPredict", None),
        ("/v1/projects/p/locations/global/endpoints/123:generateContent", "endpoints/123"),
        ("/v1/projects/p/locations/global/publishers/google/models/:generateContent", ""),
        ("/v2/projects/p/locations/global/publishers/google/models/m:generateContent", ""),
        ("/v1/models/m:generateContent", ""),
    ],
)
def test_paths_of_either_form_are_told_from_others(path: str, expected: str | None) -> None:
    """A colon may be encoded, an endpoint of one's own may stand for a model; other paths are no calls."""
    place = read_path(path)
    if expected == "":
        assert place is None
    else:
        assert place is not None
        assert (expected or "claude-sonnet-4@20250514") == place.model


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("us-central1", "us-central1-aiplatform.googleapis.com"),
        ("global", "aiplatform.googleapis.com"),
        ("us", "aiplatform.us.rep.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
    ],
)
def test_each_location_has_its_host(location: str, expected: str) -> None:
    """Regions, the global location and multi-regions have host names of their own."""
    assert expected == host_of(location)


def test_another_location_is_an_invalid_argument() -> None:
    """A call that names another location than its host's is told which is valid, with the field at fault."""
    assert None is why_not_placed(PATH, "us-central1")
    refusal = why_not_placed(PATH, "europe-west4")
    assert refusal is not None
    assert "invalid" == refusal.kind
    assert "The valid location ID is `europe-west4`." in refusal.message
    reply = error_reply(refusal, reply_id="r-1")
    assert 400 == reply.status
    assert b'"field":"model"' in reply.body


def test_another_model_is_not_found_by_its_full_name() -> None:
    """A model that the endpoint does not serve is named whole in the refusal."""
    assert None is why_not_served("gemini-2.0-flash", "us-central1", "gemini-2.0-flash", PATH)
    refusal = why_not_served("gemini-9", "us-central1", "gemini-2.0-flash", PATH)
    assert refusal is not None
    assert "not-found" == refusal.kind
    assert "`projects/p-1/locations/us-central1/publishers/google/models/gemini-2.0-flash` was" in refusal.message
    own = "/v1/projects/p/locations/us-central1/endpoints/12:generateContent"
    missing = why_not_served("gemini-9", "us-central1", "endpoints/12", own)
    assert missing is not None
    assert 'The Endpoint resource "projects/p/locations/us-central1/endpoints/12" is not found.' == missing.message
