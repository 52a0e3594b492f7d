"""Toxiproxy: an embedded server with the real one's API and toxics, and the one client for both."""
