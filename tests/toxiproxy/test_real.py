"""Whether the embedded server was held against a real one in this run."""

import os

import pytest


def test_the_embedded_server_was_held_against_a_real_one(toxiproxy: object) -> None:
    """Set TOXIPROXY_URL to a real Toxiproxy's control API and every test of this folder runs against both."""
    del toxiproxy
    if not os.environ.get("TOXIPROXY_URL"):
        pytest.skip("TOXIPROXY_URL is not set: no real Toxiproxy to hold the embedded one against")
