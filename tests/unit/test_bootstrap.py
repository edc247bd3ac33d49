"""Tests for app.bootstrap."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.bootstrap import encryption_keys, open_services
from app.errors import ConfigurationError
from app.settings import Settings
from app.store.encryption import new_key

NAME = "encryption.key"


def settings(folder: Path, **more: str) -> Settings:
    """Return settings of an embedded database in a folder."""
    url = f"sqlite:///{folder}/app.db"
    return Settings.model_validate({"database_url": url, **more})


class TestEncryptionKeys:
    """Tests for app.bootstrap.encryption_keys()."""

    def test_given_keys_are_taken_and_no_file_is_made(self, tmp_path: Path) -> None:
        """In their order: the first seals."""
        given = [new_key(), new_key()]

        found = encryption_keys(settings(tmp_path, encryption_keys=",".join(given)))

        assert found == given
        assert list(tmp_path.iterdir()) == []

    def test_key_is_made_once_for_its_owner_alone(self, tmp_path: Path) -> None:
        """A second start finds the first one's; no draft is left behind."""
        folder = tmp_path / "нова тека"

        first = encryption_keys(settings(folder))
        second = encryption_keys(settings(folder))

        assert first == second
        (file,) = folder.iterdir()
        assert file.name == NAME
        assert stat.S_IMODE(file.stat().st_mode) == 0o600

    def test_key_is_no_field_of_the_log(self, tmp_path: Path) -> None:
        """Where it is, not what it is."""
        with capture_logs() as lines:
            (key,) = encryption_keys(settings(tmp_path))

        assert [line["event"] for line in lines] == ["encryption_key_made"]
        assert key not in str(lines)

    def test_all_who_start_at_once_get_one_key(self, tmp_path: Path) -> None:
        """Whoever loses the race takes the winner's."""
        for number in range(20):
            folder = tmp_path / str(number)
            with ThreadPoolExecutor(8) as pool:
                found = list(pool.map(encryption_keys, [settings(folder)] * 8))

            assert len({key for (key,) in found}) == 1
            assert [file.name for file in folder.iterdir()] == [NAME]

    @pytest.mark.parametrize(
        "content",
        [b"", b"\n", b"not a key", b"\xff\xfe\x00", new_key().encode()[:30]],
        ids=["empty", "blank", "words", "bytes", "half"],
    )
    def test_broken_file_is_named_and_kept(
        self, tmp_path: Path, content: bytes
    ) -> None:
        """The operator decides; a new key would make stored secrets unreadable."""
        path = tmp_path / NAME
        path.write_bytes(content)

        with pytest.raises(ConfigurationError, match="ENCRYPTION_KEYS") as refused:
            encryption_keys(settings(tmp_path))

        assert str(path) in str(refused.value)
        assert path.read_bytes() == content

    @pytest.mark.parametrize("obstacle", ["file", "folder"])
    def test_place_that_cannot_hold_it_is_named(
        self, tmp_path: Path, obstacle: str
    ) -> None:
        """No traceback for a wrong path."""
        folder = tmp_path / "var"
        if obstacle == "file":
            folder.write_text("in the way")
        else:
            (folder / NAME).mkdir(parents=True)

        with pytest.raises(ConfigurationError, match="cannot be made or read"):
            encryption_keys(settings(folder))


@pytest.mark.anyio
class TestProviders:
    """Tests for the providers that app.bootstrap.open_services() opens."""

    async def test_without_keys_there_is_local_alone(self, tmp_path: Path) -> None:
        """Nothing to examine, nobody else to ask."""
        async with open_services(settings(tmp_path)) as services:
            asked = [one.provider for one in services.ai.respondents()]
            known = set(services.providers)
            examined = set(services.check_provider)

        assert (asked, known, examined) == (["local"], {"local"}, set())

    async def test_whoever_has_a_key_is_opened_and_asked_in_order(
        self, tmp_path: Path
    ) -> None:
        """With the model of the settings, else the list's; local is there for all."""
        keys = {"openai_api_key": "sk-1", "gemini_api_key": "g-1"}
        more = {"openai_model": "gpt-own", "ai_providers": "gemini,openai"}
        async with open_services(settings(tmp_path, **keys, **more)) as services:
            asked = {one.provider: one.model for one in services.ai.respondents()}
            known = set(services.providers)
            examined = set(services.check_provider)

        assert list(asked) == ["gemini", "openai"]
        assert asked["openai"] == "gpt-own"
        assert asked["gemini"].startswith("gemini-")
        assert known == {"local", "openai", "gemini"}
        assert examined == {"openai", "gemini"}

    async def test_key_without_a_place_in_the_order_can_still_be_chosen_by_a_space(
        self, tmp_path: Path
    ) -> None:
        """The operator prefers local; a tenant may not."""
        more = {"openai_api_key": "sk-1", "ai_providers": "local"}
        async with open_services(settings(tmp_path, **more)) as services:
            asked = [one.provider for one in services.ai.respondents(["openai"])]

        assert asked == ["openai"]

    @pytest.mark.parametrize(
        "content", [b"not toml [", b"\xff\xfe"], ids=["words", "bytes"]
    )
    async def test_models_file_that_holds_none_is_named(
        self, tmp_path: Path, content: bytes
    ) -> None:
        """The operator's own list is no reason for a traceback."""
        file = tmp_path / "моделі.toml"
        file.write_bytes(content)

        with pytest.raises(ConfigurationError, match=r"моделі\.toml: is no TOML"):
            async with open_services(settings(tmp_path, ai_models_file=str(file))):
                pass
