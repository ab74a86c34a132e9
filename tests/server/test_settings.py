import pytest

from mien.errors import InputError
from mien.server.settings import Settings

TOKEN = "a-token-of-some-length"  # noqa: S105


def test_defaults_stay_on_this_machine():
    settings = Settings()
    assert (settings.host, settings.port, settings.token) == ("127.0.0.1", 8765, None)
    assert settings.loopback
    assert settings.origins == ()


def test_environment_is_read(monkeypatch):
    monkeypatch.setenv("MIEN_PORT", "9000")
    monkeypatch.setenv("MIEN_TOKEN", TOKEN)
    monkeypatch.setenv("MIEN_ALLOWED_ORIGINS", "https://A.example/, http://b.example:8080")
    monkeypatch.setenv("MIEN_ENGINE", "")
    settings = Settings()
    assert settings.port == 9000
    assert settings.token is not None
    assert settings.token.get_secret_value() == TOKEN
    assert settings.origins == ("https://a.example", "http://b.example:8080")
    assert settings.engine == "auto"


def test_what_is_given_wins_over_the_environment(monkeypatch):
    monkeypatch.setenv("MIEN_PORT", "9000")
    assert Settings(port=9001).port == 9001


def test_vite_is_allowed_only_when_asked():
    assert "http://localhost:5173" in Settings(dev=True).origins


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_loopback(host):
    settings = Settings(host=host)
    assert settings.loopback
    assert host in settings.hosts


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "studio.example"])  # noqa: S104
def test_other_machines_need_a_token(host):
    with pytest.raises(InputError, match="needs a token; set MIEN_TOKEN"):
        Settings(host=host)
    settings = Settings(host=host, token=TOKEN)
    assert not settings.loopback
    assert settings.hosts is None


def test_another_name_needs_a_token():
    with pytest.raises(InputError, match="needs a token"):
        Settings(allowed_hosts="studio.example")
    assert "studio.example" in Settings(allowed_hosts="Studio.example", token=TOKEN).hosts


@pytest.mark.parametrize(
    "token", ["short", "x" * 257, "has spaces in the token", "ümläute-im-token-sind-weg"]
)
def test_a_bad_token_is_refused_without_repeating_it(token):
    with pytest.raises(InputError, match="16 to 256 characters") as caught:
        Settings(token=token)
    assert token not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_token_does_not_show():
    assert TOKEN not in repr(Settings(token=TOKEN))


@pytest.mark.parametrize(
    "origin", ["*", "studio.example", "ftp://a.example", "https://*.example", "http://"]
)
def test_a_bad_origin_is_refused(origin):
    with pytest.raises(InputError, match="allowed origin is scheme://host"):
        Settings(allowed_origins=origin)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"port": 70000}, r"setting port \(MIEN_PORT\).*70000"),
        ({"port": "many"}, "MIEN_PORT"),
        ({"max_sessions": 0}, "MIEN_MAX_SESSIONS"),
        ({"max_faces": 65}, "MIEN_MAX_FACES"),
        ({"max_pixels": 0}, "MIEN_MAX_PIXELS"),
        ({"infer_rate": 0}, "MIEN_INFER_RATE"),
        ({"colour": "red"}, "no setting 'colour'"),
    ],
)
def test_a_bad_value_is_named(values, told):
    with pytest.raises(InputError, match=told):
        Settings(**values)


def test_settings_do_not_change():
    with pytest.raises(ValueError, match="frozen"):
        Settings().port = 1
