from kalends.model.calendar import ItemChange, Page
from kalends.store.items import StoredItem
from kalends.sync.plan import payload_hash, plan_page


def change(key: str, text: str | None, *, version: str = "1", group: str | None = None) -> ItemChange:
    return ItemChange(
        key, group or key, version, None if text is None else text.encode(), None if text else "too large"
    )


def stored(*changes: ItemChange) -> dict[str, StoredItem]:
    return {one.key: StoredItem(one.key, one.group_key, one.version, payload_hash(one)) for one in changes}


def test_what_is_new_or_has_new_content_is_put_and_its_group_expanded() -> None:
    before = change("a", "old")
    plan = plan_page(Page(changed=(change("a", "new", version="2"), change("b", "x"))), stored(before), full=False)
    assert [one.key for one, _ in plan.put] == ["a", "b"]
    assert plan.added == 1
    assert list(plan.groups) == ["a", "b"]
    assert not plan.set_version


def test_a_new_version_of_the_same_content_only_notes_the_version() -> None:
    plan = plan_page(Page(changed=(change("a", "x", version="2"),)), stored(change("a", "x")), full=False)
    assert (plan.put, plan.set_version, list(plan.groups)) == ([], [("a", "2")], [])


def test_an_item_that_moves_to_another_group_touches_both() -> None:
    before = change("a", "x", group="old")
    plan = plan_page(Page(changed=(change("a", "x", group="new"),)), stored(before), full=False)
    assert sorted(plan.groups) == ["new", "old"]
    assert len(plan.put) == 1


def test_the_last_word_about_an_item_counts() -> None:
    plan = plan_page(Page(changed=(change("a", "first"), change("a", "last", version="2"))), {}, full=False)
    assert [(one.version, one.payload) for one, _ in plan.put] == [("2", b"last")]


def test_only_what_is_stored_is_deleted() -> None:
    plan = plan_page(Page(removed=("a", "unknown")), stored(change("a", "x", group="g")), full=False)
    assert (plan.delete, list(plan.groups)) == ({"a": "g"}, ["g"])


def test_only_a_full_pass_stamps() -> None:
    page = Page(changed=(change("a", "x"),), unchanged=("b",))
    before = stored(change("a", "x"), change("b", "y"))
    assert plan_page(page, before, full=True).stamp == ["a", "b"]
    assert plan_page(page, before, full=False).is_empty


def test_a_payload_that_cannot_be_taken_counts_as_a_content_of_its_own() -> None:
    unreadable = change("a", None)
    assert plan_page(Page(changed=(unreadable,)), stored(change("a", "x")), full=False).put
    assert plan_page(Page(changed=(unreadable,)), stored(unreadable), full=False).is_empty
