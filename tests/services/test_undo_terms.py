"""Until when a delete can be undone, as dialogs say it."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest

from services.model import BucketInfo
from services.undelete import FOR_GOOD, undo_terms

NOW = 1_795_305_600.0  # 22 Nov 2026, UTC
DAY = 86_400


def bucket(
    *, versioning: bool = False, soft_delete_s: int = 0, rules: list[dict[str, Any]] | None = None
) -> BucketInfo:
    return BucketInfo(
        name="b",
        location="EU",
        location_type="multi-region",
        storage_class="STANDARD",
        created=0,
        metageneration=1,
        versioning=versioning,
        soft_delete_s=soft_delete_s,
        uniform_access=True,
        public_access_prevention="enforced",
        hierarchical_namespace=False,
        requester_pays=False,
        resource={"lifecycle": {"rule": rules}} if rules else {},
    )


def rule(**condition: Any) -> dict[str, Any]:
    return {"action": {"type": "Delete"}, "condition": condition}


SOFT = bucket(soft_delete_s=7 * DAY)
VERSIONED = bucket(versioning=True, soft_delete_s=7 * DAY)


def test_soft_delete_names_its_date() -> None:
    terms = undo_terms(SOFT, NOW, zone=UTC)
    assert terms.sentence == "They can be restored until 29 Nov 2026 (soft delete)."
    assert (terms.final, terms.until) == (False, NOW + 7 * DAY)
    assert undo_terms(SOFT, NOW, many=False, zone=UTC).sentence.startswith("It can be restored until 29 Nov")


def test_without_soft_delete_and_versions_it_is_for_good() -> None:
    terms = undo_terms(bucket(), NOW)
    assert (terms.sentence, terms.final, terms.until) == (FOR_GOOD, True, None)


def test_unreadable_settings_are_not_called_safe() -> None:
    terms = undo_terms(None, NOW)
    assert terms.final
    assert "cannot be read" in terms.sentence


def test_versions_stay_without_a_date() -> None:
    terms = undo_terms(VERSIONED, NOW)
    assert terms.sentence == "They stay as older versions and can be restored (versioning)."
    assert (terms.final, terms.until) == (False, None)
    assert undo_terms(VERSIONED, NOW, many=False).sentence.startswith("It stays as an older version")


def test_deleting_exact_versions_is_only_softened_by_soft_delete() -> None:
    assert "(soft delete)" in undo_terms(VERSIONED, NOW, versions=True).sentence
    assert undo_terms(bucket(versioning=True), NOW, versions=True).sentence == FOR_GOOD


def test_a_lifecycle_rule_for_older_versions_sets_the_date_and_soft_delete_extends_it() -> None:
    kept = bucket(versioning=True, soft_delete_s=7 * DAY, rules=[rule(daysSinceNoncurrentTime=30), rule(isLive=True)])
    terms = undo_terms(kept, NOW, zone=UTC)
    assert terms.until == NOW + 37 * DAY
    assert terms.sentence == "They can be restored until 29 Dec 2026 (versioning)."


@pytest.mark.parametrize("condition", [{"numNewerVersions": 3}, {"age": 9}, {"age": 3, "daysSinceNoncurrentTime": 1}])
def test_a_rule_whose_moment_is_unknown_is_mentioned_without_a_date(condition: dict[str, Any]) -> None:
    kept = bucket(versioning=True, rules=[rule(daysSinceNoncurrentTime=30), rule(**condition)])
    terms = undo_terms(kept, NOW)
    assert "until a lifecycle rule" in terms.sentence
    assert terms.until is None


def test_who_may_not_restore_is_told() -> None:
    terms = undo_terms(SOFT, NOW, may_restore=False)
    assert terms.final
    assert terms.sentence.endswith("Your permissions do not allow you to restore.")
