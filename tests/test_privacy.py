"""Keys, pseudonyms, encrypted files and the canary scan."""

from __future__ import annotations

import hashlib
import hmac
import io
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from das_pipeline.errors import ConfigurationError, DeliveryRefused, KeyMissing, LakeError
from das_pipeline.privacy import Keys, decrypted, encrypt_file, find_canaries, keyed, register_keyed_macro, write_demo_keys
from das_pipeline.run import Run
from das_pipeline.settings import Settings

KEY = bytes(range(32))


@pytest.mark.slow
@given(st.text(max_size=200))
def test_the_sql_macro_is_hmac_sha256(message: str) -> None:
    with duckdb.connect() as connection:
        register_keyed_macro(connection, KEY)
        (found,) = connection.execute("SELECT keyed($m)", {"m": message.replace("\0", "")}).fetchall()[0]
    assert found == hmac.new(KEY, message.replace("\0", "").encode(), hashlib.sha256).digest()[:16]


def test_parts_cannot_be_shifted_into_each_other() -> None:
    assert keyed(KEY, "ab", "c") != keyed(KEY, "a", "bc")


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (1 << 20) + 1, 3_000_000])
def test_an_encrypted_file_comes_back_whole(tmp_path: Path, size: int) -> None:
    plain = (b"naam;Jansen\n" * (size // 12 + 1))[:size]
    digest = encrypt_file(io.BytesIO(plain), tmp_path / "x", KEY)
    assert digest == hashlib.sha256(plain).hexdigest()
    assert b"".join(decrypted(tmp_path / "x", KEY)) == plain
    assert b"Jansen" not in (tmp_path / "x").read_bytes()


@pytest.mark.parametrize(("change", "message"), [("cut", "cut off"), ("flip", "was changed"), ("key", "was changed")])
def test_a_changed_encrypted_file_is_noticed(tmp_path: Path, change: str, message: str) -> None:
    path = tmp_path / "x"
    encrypt_file(io.BytesIO(b"a" * 3_000_000), path, KEY)
    content = path.read_bytes()
    if change == "cut":
        path.write_bytes(content[: 24 + 4 + (1 << 20) + 17])
    if change == "flip":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(LakeError, match=message):
        list(decrypted(path, KEY if change != "key" else bytes(32)))


def test_an_encrypted_parquet_is_refused_without_the_key(run: Run, tmp_path: Path) -> None:
    from das_pipeline.engine import parquet, write_parquet

    path = tmp_path / "direct.parquet"
    with run.connect(identifying=True) as connection:
        assert write_parquet(connection, "SELECT 'Jansen' AS surname", path, order_by="surname", encrypted=True) == 1
        assert connection.execute(f"FROM {parquet([path])}").fetchall() == [("Jansen",)]
    with run.connect() as connection, pytest.raises(duckdb.Error):
        connection.execute(f"FROM {parquet([path])}").fetchall()
    assert b"Jansen" not in path.read_bytes()


def test_demo_keys_do_not_protect_real_data(settings: Settings) -> None:
    keys = Keys.load(settings)
    keys.require_for(is_simulated=True)
    with pytest.raises(DeliveryRefused, match="demo keys"):
        keys.require_for(is_simulated=False)


def test_keys_of_the_environment_come_first(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAS_KEY_SIGNING", "ab" * 32)
    assert Keys.load(settings).signing == bytes.fromhex("ab" * 32)


@pytest.mark.parametrize("content", ["", "zz", "ab" * 31])
def test_a_malformed_key_is_named(settings: Settings, content: str) -> None:
    (settings.keys / "rounding").write_text(content, encoding="ascii")
    with pytest.raises(KeyMissing, match="rounding"):
        Keys.load(settings)


def test_keys_show_nothing(settings: Settings) -> None:
    assert repr(Keys.load(settings)) == "Keys(is_demo=True)"


def test_the_key_directory_must_lie_outside_the_home(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="move it out"):
        Settings(home=tmp_path, inbox=tmp_path / "inbox", keys=tmp_path / "keys", jurisdiction=tmp_path)


def test_existing_keys_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "rounding").write_text("ab" * 32, encoding="ascii")
    write_demo_keys(tmp_path, seed=1)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["rounding"]


def test_the_scan_finds_values_in_text_and_inside_parquet(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("loaded Boterbloem", encoding="utf-8")
    pq.write_table(pa.table({"n": ["x"] * 999 + ["Boterbloem"]}), tmp_path / "t.parquet", compression="zstd")
    (tmp_path / "clean.txt").write_text("nothing", encoding="utf-8")
    hits = find_canaries(["Boterbloem", "Ab"], [tmp_path])
    assert [(p.name, n) for p, n in hits] == [("log.txt", 1), ("t.parquet", 1)]


@pytest.mark.parametrize(
    ("text", "is_found"), [("nr 25000016;", True), ("25000016", True), ("459.4425000016054", False), ("125000016", False)]
)
def test_a_piece_of_a_longer_number_is_no_canary(tmp_path: Path, text: str, is_found: bool) -> None:
    (tmp_path / "log.txt").write_text(text, encoding="utf-8")
    assert bool(find_canaries(["25000016"], [tmp_path])) == is_found
