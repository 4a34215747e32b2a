"""The journal on disk, without Django or a database."""

import errno
import os
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.ingest.spool import Depth, Spool, SpoolUnavailableError


def make(folder: Path, **limits: int) -> Spool:
    return Spool(folder, **({"most_bytes": 1_000_000} | limits))


def drain(spool: Spool, *, most: int = 3) -> list[bytes]:
    found = []
    while (chunk := spool.read(most=most)) is not None:
        found += chunk.payloads
        spool.advance(chunk)
    return found


def test_records_come_back_in_order_and_once(tmp_path: Path) -> None:
    spool = make(tmp_path)
    spool.append([b"one", b"two"])
    spool.append([b"three", b"", b"five"])

    assert drain(spool) == [b"one", b"two", b"three", b"", b"five"]
    assert drain(spool) == []
    assert spool.segments() == []


def test_an_empty_or_missing_folder_holds_nothing(tmp_path: Path) -> None:
    spool = make(tmp_path / "not" / "there")

    assert spool.read(most=1) is None
    assert (spool.depth().bytes, spool.depth().since) == (0, None)


def test_what_was_not_advanced_is_read_again(tmp_path: Path) -> None:
    spool = make(tmp_path)
    spool.append([b"one", b"two", b"three"])
    first = spool.read(most=2)
    assert first is not None
    assert first.payloads == [b"one", b"two"]

    assert drain(make(tmp_path)) == [b"one", b"two", b"three"]


def test_it_goes_on_where_it_was_after_a_restart(tmp_path: Path) -> None:
    spool = make(tmp_path)
    spool.append([b"one", b"two", b"three"])
    chunk = spool.read(most=2)
    assert chunk is not None
    spool.advance(chunk)

    assert drain(make(tmp_path)) == [b"three"]


def test_segments_rotate_and_keep_their_order(tmp_path: Path) -> None:
    spool = make(tmp_path, segment_bytes=100)
    for number in range(30):
        spool.append([f"record {number:03d}".encode()])

    assert len(spool.segments()) > 3
    assert drain(spool) == [f"record {number:03d}".encode() for number in range(30)]


@pytest.mark.parametrize("cut", range(1, 18))
def test_a_write_cut_short_by_a_crash_is_skipped_and_what_follows_is_read(tmp_path: Path, cut: int) -> None:
    spool = make(tmp_path)
    spool.append([b"before"])
    whole = spool.segments()[0].stat().st_size
    spool.append([b"torn!"])
    os.truncate(spool.segments()[0], whole + cut - 1)
    spool.append([b"after"])

    assert drain(spool) == [b"before", b"after"]


@given(records=st.lists(st.binary(max_size=60), max_size=12), garbage=st.binary(max_size=40), place=st.integers(0, 12))
def test_garbage_between_records_loses_no_record(
    tmp_path_factory: pytest.TempPathFactory, records: list[bytes], garbage: bytes, place: int
) -> None:
    spool = make(tmp_path_factory.mktemp("spool"))
    for number, record in enumerate(records):
        if number == place:
            with (spool.folder / "000000000001.spool").open("ab") as file:
                file.write(garbage)
        spool.append([record])

    # Garbage may look like the beginning of a record; it never has a checksum that fits, so nothing of ours is taken for it.
    assert drain(spool) == records


def test_a_full_spool_refuses_and_keeps_what_it_has(tmp_path: Path) -> None:
    spool = make(tmp_path, most_bytes=200)
    spool.append([b"x" * 100])

    with pytest.raises(SpoolUnavailableError, match="full"):
        spool.append([b"y" * 100])
    assert drain(spool) == [b"x" * 100]
    spool.append([b"y" * 100])  # there is room again


def test_a_failed_write_leaves_nothing_of_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = make(tmp_path)
    spool.append([b"one"])

    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        with pytest.raises(SpoolUnavailableError, match="No space left"):
            spool.append([b"two"])
    spool.append([b"three"])

    assert drain(spool) == [b"one", b"three"]


def test_an_unwritable_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(SpoolUnavailableError):
        make(tmp_path / "file").append([b"one"])


def test_only_one_replays_at_a_time(tmp_path: Path) -> None:
    first, second = make(tmp_path), make(tmp_path)

    with first.replaying() as is_mine, second.replaying() as is_mine_too:
        assert (is_mine, is_mine_too) == (True, False)
    with second.replaying() as is_mine:
        assert is_mine


def test_writers_and_a_reader_at_once_lose_nothing_and_mix_nothing(tmp_path: Path) -> None:
    spool = make(tmp_path, segment_bytes=2_000)
    threads = [
        Thread(
            target=lambda writer=writer: [
                make(tmp_path, segment_bytes=2_000).append([f"{writer} {n}".encode()]) for n in range(60)
            ]
        )
        for writer in range(4)
    ]
    found: list[bytes] = []
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        found += drain(spool)
    found += drain(spool)

    assert sorted(found) == sorted(f"{writer} {n}".encode() for writer in range(4) for n in range(60))
    for writer in range(4):
        mine = [record for record in found if record.startswith(f"{writer} ".encode())]
        assert mine == [f"{writer} {n}".encode() for n in range(60)]


def test_depth_tells_of_the_first_record_however_many_follow(tmp_path: Path) -> None:
    spool = Spool(tmp_path, most_bytes=10_000)
    spool.append([b"first"])
    (segment,) = spool.segments()
    os.utime(segment, (1_700_000_000.25, 1_700_000_000.25))

    spool.append([b"second"])
    spool.append([b"third"])

    assert spool.depth().since == 1_700_000_000.25


def test_depth_says_how_much_waits_and_since_when(tmp_path: Path) -> None:
    spool = make(tmp_path)
    spool.append([b"x" * 88])

    assert spool.depth().bytes == 100
    assert spool.depth().since == pytest.approx(spool.segments()[0].stat().st_mtime)


@pytest.mark.parametrize(
    ("size", "seconds", "words"),
    [
        (88, 0.4, "88 bytes wait since 0 s"),
        (12_345, 40, "12.3 kB wait since 40 s"),
        (999_999, 119, "1.0 MB wait since 119 s"),
        (3_400_000, 120, "3.4 MB wait since 2 min"),
        (1_073_741_824, 7_199, "1.1 GB wait since 119 min"),
        (2_000, 7_200, "2.0 kB wait since 2 h"),
        (2_000, 400_000, "2.0 kB wait since 4 days"),
    ],
)
def test_depth_is_told_in_words(size: int, seconds: float, words: str) -> None:
    assert Depth(size, 1_000_000.0).in_words(now=1_000_000.0 + seconds) == words


def test_a_clock_that_went_back_makes_nothing_older_than_now() -> None:
    assert Depth(1, 1_000.0).age_seconds(now=900.0) == 0
    assert Depth(0, None).age_seconds(now=900.0) == 0
