"""Tests of the road to storage see no proxy and no certificates of the machine that they run on."""

from __future__ import annotations

import pytest

# Failing assertions of the contracts show their values, as those of test modules do.
pytest.register_assert_rewrite(
    *(f"tests.services.gcs.{name}" for name in ("bench", "control_contract")),
    *(f"tests.services.gcs.contract_{part}" for part in ("copies", "faults", "reads", "writes")),
)

VARIABLES = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "STORAGE_EMULATOR_HOST",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_CLOUD_QUOTA_PROJECT",
)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove what would lead elsewhere."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
