"""The tests: they mirror the packages; tests/browser drives a real Chromium against a real server."""
